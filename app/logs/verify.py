"""Proof that a log is complete: within one process and file, the lines are numbered without a gap."""

from __future__ import annotations

import zlib
from collections import deque
from contextlib import closing
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from .follow import Follower
from .generations import Place, generations
from .matching import stamp_of

_REMEMBERED = 256
_MOST_GAPS = 1_000


class _Line(msgspec.Struct):
    pid: int
    seq: int
    message: str = ""
    count: Any = 0


_decode = msgspec.json.Decoder(_Line).decode


@dataclass(slots=True)
class Gap:
    """Numbers `first` to `last` of a process that are not there; `dropped` of them were told of as dropped.

    `before` is the time of the line that comes after them.
    """

    pid: int
    first: int
    last: int
    before: str = ""
    dropped: int = 0

    @property
    def missing(self) -> int:
        return self.last - self.first + 1 - self.dropped


@dataclass(slots=True)
class Proof:
    """What is known of one log; `torn` lines are not JSON, `foreign` ones have no number.

    `missing` lines are gone without a word, `dropped` ones were told of by a record `logs.dropped`.
    `shortened` says that older archives were removed, as LOG_KEEP_FILES has it, so that the numbers of a
    process may begin anywhere.
    """

    file: str
    lines: int = 0
    processes: int = 0
    missing: int = 0
    dropped: int = 0
    duplicates: int = 0
    out_of_order: int = 0
    torn: int = 0
    foreign: int = 0
    shortened: bool = False
    gaps: list[Gap] = field(default_factory=list)

    @property
    def is_complete(self) -> bool:
        """Whether nothing is missing and nothing is there twice."""
        return not (self.missing or self.duplicates or self.out_of_order)

    def document(self) -> dict[str, Any]:
        """The proof for people and programs."""
        gaps = [{**asdict(gap), "missing": gap.missing} for gap in self.gaps[:_MOST_GAPS]]
        return {**asdict(self), "gaps": gaps, "complete": self.is_complete}


def verified(live: Path) -> Proof:
    """Read every line of a log file and its archives, and say what is missing."""
    first = generations(live)[0].number
    proof = Proof(live.name, shortened=first > 1)
    count = _Count(proof)
    with closing(Follower(live, Place(first, 0))) as follower:
        while reads := follower.read():
            for read in reads:
                count.take(read.line)
    count.finish()
    return proof


class _Count:
    """Goes through the lines of one log, oldest first."""

    def __init__(self, proof: Proof) -> None:
        self._proof = proof
        self._runs: dict[int, _Run] = {}

    def take(self, line: bytes) -> None:
        self._proof.lines += 1
        try:
            found = _decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError):
            self._refuse(line)
            return
        run = self._runs.get(found.pid)
        if run is None:
            run = self._runs[found.pid] = _Run(found.pid, self._proof, begins_anywhere=self._proof.shortened)
        elif run.is_another_process(found.seq, line):
            run.finish()
            # Because its lines came after those of the one before, its beginning must be there.
            run = self._runs[found.pid] = _Run(found.pid, self._proof, begins_anywhere=False)
        run.take(found, line)

    def finish(self) -> None:
        for run in self._runs.values():
            run.finish()
        self._proof.gaps.sort(key=lambda gap: (gap.before, gap.pid, gap.first))

    def _refuse(self, line: bytes) -> None:
        try:
            msgspec.json.decode(line, type=dict[str, Any])
        except (msgspec.DecodeError, UnicodeDecodeError):
            self._proof.torn += 1
        else:
            self._proof.foreign += 1


class _Run:
    """The lines of one process, which may have the id of an earlier one; then its numbers begin anew."""

    def __init__(self, pid: int, proof: Proof, *, begins_anywhere: bool) -> None:
        self._pid = pid
        self._proof = proof
        self._begins_anywhere = begins_anywhere
        self._last = 0
        self._gaps: deque[Gap] = deque()
        self._settled: list[Gap] = []
        self._recent: deque[tuple[int, int]] = deque(maxlen=_REMEMBERED)
        proof.processes += 1

    def is_another_process(self, seq: int, line: bytes) -> bool:
        """Whether a number that is no higher than the last one is a new beginning, and no line again."""
        if seq > self._last or self._gap_with(seq):
            return False
        return (seq, zlib.crc32(line)) not in self._recent

    def take(self, found: _Line, line: bytes) -> None:
        if found.seq > self._last:
            if found.seq > self._last + 1 and not (self._begins_anywhere and self._last == 0):
                self._gaps.append(Gap(self._pid, self._last + 1, found.seq - 1, stamp_of(line).decode()))
            self._last = found.seq
            self._recent.append((found.seq, zlib.crc32(line)))
        elif gap := self._gap_with(found.seq):
            self._proof.out_of_order += 1
            self._fill(gap, found.seq)
        else:
            self._proof.duplicates += 1
        if found.message == "logs.dropped" and isinstance(found.count, int):
            self._explain(found.count)

    def finish(self) -> None:
        """Write what remains into the proof."""
        gaps = [*self._settled, *self._gaps]
        self._proof.dropped += sum(gap.dropped for gap in gaps)
        self._proof.missing += sum(gap.missing for gap in gaps)
        self._proof.gaps.extend(gaps[:_MOST_GAPS])

    def _gap_with(self, seq: int) -> Gap | None:
        return next((gap for gap in self._gaps if gap.first <= seq <= gap.last), None)

    def _fill(self, gap: Gap, seq: int) -> None:
        self._gaps.remove(gap)
        if seq < gap.last:
            self._gaps.appendleft(Gap(self._pid, seq + 1, gap.last, gap.before))
        if gap.first < seq:
            self._gaps.appendleft(Gap(self._pid, gap.first, seq - 1, gap.before))

    def _explain(self, count: int) -> None:
        """So many of the missing lines, the oldest first, were dropped by their process, which says so."""
        while count > 0 and self._gaps:
            gap = self._gaps[0]
            explained = min(count, gap.missing)
            gap.dropped += explained
            count -= explained
            if gap.missing == 0:
                self._settled.append(self._gaps.popleft())
