"""A sink that keeps its lines where a test sees them."""

from __future__ import annotations

import json
from typing import Any


class Kept:
    """Takes lines as a FileSink does."""

    def __init__(self) -> None:
        self.lines: list[bytes] = []

    def write(self, head: bytes, tail: bytes, _level: int) -> None:
        self.lines.append(b"%b,%b" % (head, tail))

    @property
    def records(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.lines]

    def retry(self) -> None:
        """Nothing waits here."""

    def close(self) -> None:
        """Nothing is open here."""
