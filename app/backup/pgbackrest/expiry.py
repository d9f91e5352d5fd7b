"""What pgBackRest would drop by its own settings, told as retention tells it of files."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from ...core.clock import rfc3339
from ..model import Backup

_EXPIRES = re.compile(r"\bexpired? (?:\w+ )*backup\b")
_LABEL = re.compile(r"\b\d{8}-\d{6}F(?:_\d{8}-\d{6}[DI])?\b")


def expiring(lines: Iterable[str]) -> frozenset[str]:
    """The labels that go, from the log of `pgbackrest expire`."""
    return frozenset(label for line in lines if _EXPIRES.search(line) for label in _LABEL.findall(line))


def told(backups: Iterable[Backup], going: frozenset[str], rules: Mapping[str, str]) -> list[dict[str, Any]]:
    """What becomes of each, and why."""
    words = ", ".join(f"{name}={value}" for name, value in rules.items()) or "no limit"
    return [
        {
            "id": one.id,
            "database": one.source.database,
            "state": one.state.value,
            "started_at": rfc3339(one.started_at),
            "size_bytes": one.size_bytes,
            "goes": one.id in going,
            "why": f"pgBackRest {'drops' if one.id in going else 'keeps'} it: {words}",
        }
        for one in backups
    ]
