"""A log that a test writes, rotates and compresses by hand, as app/logs does it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from app.core.clock import rfc3339
from app.logs.packed import pack

BEGIN = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def line(number: int, level: str = "INFO", **fields: Any) -> bytes:
    """A line that was logged `number` seconds after BEGIN."""
    stamp = rfc3339(BEGIN + timedelta(seconds=number))
    core = {"timestamp": stamp, "level": level, "logger": "app", "message": f"message {number}", "n": number}
    return json.dumps({**core, **fields}, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"


class Log:
    """The live file `path` and its archives."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._number = 0
        path.parent.mkdir(exist_ok=True)
        path.touch()

    def append(self, *lines: bytes) -> None:
        with self.path.open("ab") as file:
            file.writelines(lines)

    def write(self, numbers: Iterable[int], **fields: Any) -> None:
        self.append(*(line(number, **fields) for number in numbers))

    def size(self) -> int:
        return self.path.stat().st_size

    def rotate(self, *, compress: bool = False) -> Path:
        """Copy the live file into an archive and empty it."""
        archive = self.next_archive()
        part = self.path.with_name(".part")
        part.write_bytes(self.path.read_bytes())
        part.rename(archive)
        os.truncate(self.path, 0)
        return self.compress(archive) if compress else archive

    def rename(self) -> None:
        """Rotate as it is done where the disk has no room for a copy."""
        self.path.rename(self.next_archive())
        self.path.touch()

    def next_archive(self) -> Path:
        self._number += 1
        return self.path.with_name(f"{self.path.name}.20261123T130000Z-{self._number}")

    @staticmethod
    def compress(archive: Path) -> Path:
        part = archive.with_name(".gz.part")
        with archive.open("rb") as source, part.open("wb") as target:
            pack(source, target)
        packed = part.rename(archive.with_name(archive.name + ".gz"))
        archive.unlink()
        return packed
