"""What the pages say to each other: a Signal, emitted by one and consumed by the alerts page only."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum

import msgspec


class Severity(StrEnum):
    """How bad it is; ordered by `rank`."""

    LOW = "LOW"
    MEDIUM = "MEDIUM"
    HIGH = "HIGH"
    CRITICAL = "CRITICAL"

    @property
    def rank(self) -> int:
        """0 (LOW) to 3 (CRITICAL)."""
        return _RANKS[self]


_RANKS = {severity: rank for rank, severity in enumerate(Severity)}


class Category(StrEnum):
    """What it is about."""

    SYSTEM = "SYSTEM"
    PERFORMANCE = "PERFORMANCE"
    BUSINESS = "BUSINESS"
    SECURITY = "SECURITY"


class Condition(StrEnum):
    """RAISED: it is so now. CLEARED: it is over. NOTED: a message with nothing to be over."""

    RAISED = "raised"
    CLEARED = "cleared"
    NOTED = "noted"


class Signal(msgspec.Struct, frozen=True):
    """One observation of one condition.

    `source` is the word of the page that says it (logs, metrics, performance, alerts, backup, app).
    `key` names the condition within source and category and is the same every time it is observed;
    `labels` say more about it and are not part of its identity. `code` names the kind of condition
    (cpu_high, backup_failed, ...) for those who word it in another language; `title` is English.
    With `expires_seconds` it is over when it was not observed again for so long.
    """

    source: str
    key: str
    title: str
    severity: Severity
    category: Category
    condition: Condition = Condition.RAISED
    message: str = ""
    labels: Mapping[str, str] = {}
    code: str = ""
    value: float | None = None
    threshold: float | None = None
    expires_seconds: float | None = None


Emit = Callable[[Signal], None]
"""How a page emits: never raises, never blocks."""
