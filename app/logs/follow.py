"""A reader that goes along with a log: every line once, over rotations of any kind, from any place on."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from .generations import Generation, Place, Plain, found_again, generations, head_hash, newest_number
from .packed import Block

_HEAD_BYTES = 512


class Read(NamedTuple):
    """A line without its end, and the place behind it."""

    place: Place
    line: bytes


class Follower:
    """Where a reader is: in an archive that it has not read to its end, else in the live file.

    Takes no lock and holds nobody up; what it has not read yet waits in the files. `missed` counts
    archives that were removed before they were read.
    """

    def __init__(self, live: Path, place: Place | None = None) -> None:
        """Begin behind a place, or at the end."""
        self.missed = 0
        self._live = live
        self._file: Plain | None = None
        self._descriptor = -1
        self._inode = 0
        self._head = ""
        self._number, self._offset = self._found(place) if place else self._end()

    @property
    def place(self) -> Place:
        """Behind the last line that was given out."""
        return Place(self._number, self._offset, self._head)

    def read(self) -> list[Read]:
        """Some of the lines that come next, nothing while there are none."""
        while True:
            newest = newest_number(self._live)
            if self._number < newest:
                block = self._of_archive()
            else:
                self._number = newest  # Because an operator may delete archives, numbers can begin anew.
                block = self._of_live()
                if newest_number(self._live) > newest:
                    continue  # Because the file was cut meanwhile, what was read may be anything.
                if block is None and not self._goes_on():
                    return []
            if block and (reads := list(self._given_out(block))):
                return reads

    def close(self) -> None:
        """Let go of the file."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
        self._descriptor, self._file, self._head = -1, None, ""

    def _found(self, place: Place) -> tuple[int, int]:
        if generation := found_again(self._live, place):
            return generation.number, place.offset
        self.missed += 1
        # Because what came before may be gone, the next that is still there is the best to go on with.
        later = [one.number for one in generations(self._live) if one.number >= place.number]
        return (later[0] if later else newest_number(self._live)), 0

    def _end(self) -> tuple[int, int]:
        while True:
            number = newest_number(self._live)
            end = self._last_end() if self._is_open() else 0
            if newest_number(self._live) == number:
                return number, end

    def _last_end(self) -> int:
        """Behind the last whole line of the live file."""
        assert self._file is not None
        for block in self._file.backwards(self._file.size):
            if whole := block.data.rfind(b"\n") + 1:
                return block.start + whole
        return 0

    def _of_archive(self) -> Block | None:
        self.close()
        archive = self._next_archive()
        try:
            with archive.opened() as source:
                block = source.lines_at(self._offset)
                first = next(source.forwards(0), None)
        except FileNotFoundError:
            return None  # Because it was removed just now; the next look finds the one that follows.
        self._head = head_hash(first.data) if first else ""
        if block is None and archive.archive is not None:
            self._number, self._offset, self._head = self._number + 1, 0, ""
        return block

    def _next_archive(self) -> Generation:
        archive = next(one for one in generations(self._live) if one.number >= self._number)
        if archive.number > self._number:
            self.missed += archive.number - self._number
            self._number, self._offset = archive.number, 0
        return archive

    def _of_live(self) -> Block | None:
        return self._file.lines_at(self._offset) if self._is_open() and self._file else None

    def _is_open(self) -> bool:
        if self._file is None:
            try:
                self._descriptor = os.open(self._live, os.O_RDONLY | os.O_CLOEXEC)
            except FileNotFoundError:
                return False
            self._inode = os.fstat(self._descriptor).st_ino
            self._file = Plain(self._descriptor)
        self._head = self._head or head_hash(os.pread(self._descriptor, _HEAD_BYTES, 0))
        return True

    def _goes_on(self) -> bool:
        """Whether there is more to read, although nothing new is at our place."""
        if self._file is None:
            return False
        if self._file.size < self._offset:
            self._offset, self._head = 0, ""  # Because somebody else has emptied it, as copytruncate does.
            return True
        if self._has_the_name():
            return False
        self.close()
        self._offset = 0
        return True

    def _has_the_name(self) -> bool:
        try:
            return self._live.stat().st_ino == self._inode
        except FileNotFoundError:
            return False

    def _given_out(self, block: Block) -> Iterator[Read]:
        self._offset = block.start  # Because what is damaged in an archive is passed over.
        for line in block.data.split(b"\n")[:-1]:
            self._offset += len(line) + 1
            if line.strip():
                yield Read(self.place, line)
