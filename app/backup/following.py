"""A backup's file is read while it is written: who follows it waits for more, and never keeps the writer."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ..core.errors import AtalaiaError
from .archive import ArchiveReader
from .model import CalledOff, Damaged, Fingerprint

_LOOK_SECONDS = 0.02


class Growth:
    """A file that grows until it is said to be whole, or given up."""

    def __init__(self, path: Path, go_on: Callable[[], None]) -> None:
        """`go_on` is called while more is waited for, and may raise."""
        self._path = path
        self._go_on = go_on
        self._whole = threading.Event()
        self._is_given_up = False
        self._lock = threading.Lock()
        self._descriptor = -1
        self.waited_seconds = 0.0
        """How long readers have waited for the writer."""

    @property
    def is_growing(self) -> bool:
        """Whether somebody writes to it."""
        return not self._whole.is_set()

    def is_whole(self) -> None:
        """Nothing is added any more; said while it still has its name."""
        self._open()
        self._whole.set()

    def give_up(self) -> None:
        """Who reads it, or will, gets CalledOff."""
        self._is_given_up = True
        self._whole.set()

    def close(self) -> None:
        """Let go of the file, when nobody reads it any more."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    @contextmanager
    def reading(self) -> Iterator[ArchiveReader]:
        """An ArchiveReader from the file's begin to where its end will be; waits until there is a file.

        It is opened once, because its name changes when it is published.
        """
        while not self._open():
            if self._whole.is_set():
                self.see()
                raise Damaged("its file is gone")
            self.wait()
        yield ArchiveReader(_Follower(self))

    def piece(self, offset: int, size: int) -> bytes:
        """What is there from `offset` on; waits for it, and is empty at the end."""
        while True:
            is_whole = self._whole.is_set()
            self.see()
            if (read := os.pread(self._descriptor, size, offset)) or is_whole:
                return read
            self.wait()

    def wait(self, until: threading.Event | None = None) -> None:
        """A moment, for the writer; or for what comes after the file is whole."""
        began = time.monotonic()
        (until or self._whole).wait(_LOOK_SECONDS)
        self.waited_seconds += time.monotonic() - began
        self.see()

    def see(self) -> None:
        """Raises what keeps it from being read on."""
        if self._is_given_up:
            raise CalledOff("the file that was followed was given up")
        self._go_on()

    def _open(self) -> bool:
        with self._lock, suppress(FileNotFoundError):
            if self._descriptor < 0:
                self._descriptor = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
        return self._descriptor >= 0


class _Follower:
    """One reader, with a place of its own."""

    def __init__(self, growth: Growth) -> None:
        self._growth = growth
        self._offset = 0

    def read(self, size: int, /) -> bytes:
        read = self._growth.piece(self._offset, size)
        self._offset += len(read)
        return read


class Decoding:
    """A file is decoded in a thread while it is written, so that when it is whole its content is known."""

    def __init__(self, path: Path, go_on: Callable[[], None]) -> None:
        self.growth = Growth(path, go_on)
        self._why: AtalaiaError = Damaged("its file could not be decoded")
        self._found: Fingerprint | None = None
        self._thread = threading.Thread(target=self._decode, name="atalaia-decode", daemon=True)
        self._thread.start()

    def fingerprint(self) -> Fingerprint:
        """What was decoded, of a file that is whole; raises what kept it from being decoded."""
        self.growth.is_whole()
        self._thread.join()
        if self._found is None:
            raise self._why
        return self._found

    def close(self) -> None:
        """End it, if it is still at it."""
        self.growth.give_up()
        self._thread.join()
        self.growth.close()

    def _decode(self) -> None:
        try:
            with self.growth.reading() as archive:
                for _ in archive.chunks():
                    continue
                self._found = archive.fingerprint()
        except AtalaiaError as error:
            self._why = error  # Because it is raised again where the fingerprint is asked for.
        except OSError as error:
            self._why = Damaged(f"its file cannot be read: {error.strerror}")
