"""The old log files of a log: their names, their order, and which of them count."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

_HEAD_BYTES = 1 << 16


@dataclass(frozen=True, slots=True, order=True)
class Archive:
    """A rotated log file <live>.<UTC stamp>-<number>[.gz]; a higher number holds later lines."""

    number: int
    stamp: str
    path: Path

    @property
    def is_compressed(self) -> bool:
        return self.path.suffix == ".gz"


def archives(live: Path) -> list[Archive]:
    """The archives of a log file, oldest first."""
    found: dict[int, Archive] = {}
    for archive in sorted(all_archives(live)):
        found[archive.number] = archive  # Because .gz sorts last: a kill may leave both, and it is whole.
    try:
        with live.open("rb") as file:
            return [archive for archive in found.values() if not is_uncut(archive, file.fileno())]
    except FileNotFoundError:
        return list(found.values())


def next_archive(live: Path, now: datetime) -> Path:
    """The name of the archive that follows all others."""
    number = max((archive.number for archive in all_archives(live)), default=0) + 1
    return live.with_name(f"{live.name}.{now:%Y%m%dT%H%M%SZ}-{number}")


def all_archives(live: Path) -> Iterator[Archive]:
    """Every file that has the name of an archive, in no order."""
    name = re.compile(re.escape(live.name) + r"\.(\d{8}T\d{6}Z)-(\d+)(?:\.gz)?")
    for path in live.parent.glob(f"{live.name}.*"):
        if match := name.fullmatch(path.name):
            yield Archive(int(match[2]), match[1], path)


def is_uncut(archive: Archive, live: int) -> bool:
    """Whether a kill came between the archive's naming and the emptying of the live file."""
    if archive.is_compressed:
        return False
    try:
        with archive.path.open("rb") as old:
            return begins_with(live, old.fileno())
    except FileNotFoundError:
        return False  # Because it has been compressed meanwhile, which is done to cut ones only.


def begins_with(whole: int, part: int) -> bool:
    """Whether two files begin alike; no two log files do, as lines have time, process and number."""
    head = os.pread(part, _HEAD_BYTES, 0)
    return bool(head) and os.pread(whole, len(head), 0) == head
