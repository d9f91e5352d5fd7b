"""How a component says how it is: ok, degraded or down, with a reason."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Level(StrEnum):
    """OK < DEGRADED < DOWN."""

    OK = "ok"
    DEGRADED = "degraded"
    DOWN = "down"


@dataclass(frozen=True, slots=True)
class Health:
    """The state of one component; `reason` is a sentence for people, empty only when all is well."""

    level: Level = Level.OK
    reason: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)

    def document(self) -> dict[str, Any]:
        """The JSON document shown under `components` of the system's status."""
        return {"status": self.level.value, "reason": self.reason, **self.details}


def worst(levels: Iterable[Level]) -> Level:
    """The worst of the given levels, OK when there is none."""
    return max(levels, key=list(Level).index, default=Level.OK)
