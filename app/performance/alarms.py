"""Which conditions are raised, and what is to be said of them now: on a change, and again each minute."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Self

from ..core.signal import Category, Condition, Severity, Signal
from .model import Grade
from .thresholds import Verdict

SAY_AGAIN_SECONDS = 60.0
# Because a route that nobody calls any more, of a release that is gone, must not be raised for ever.
_ROUTE_EXPIRES_SECONDS = 900.0
_SEVERITY = {Grade.OK: Severity.MEDIUM, Grade.WARNING: Severity.MEDIUM, Grade.CRITICAL: Severity.CRITICAL}


@dataclass(frozen=True, slots=True)
class State:
    """One condition as it was judged: `code` is its family, `key` the same each time."""

    code: str
    key: str
    title: str
    category: Category
    verdict: Verdict
    labels: Mapping[str, str] = field(default_factory=dict)

    def signal(self, condition: Condition) -> Signal:
        """What is said of it."""
        return Signal(
            source="performance",
            key=self.key,
            title=self.title,
            severity=_SEVERITY[self.verdict.grade],
            category=self.category,
            condition=condition,
            message=self.verdict.reason,
            labels=self.labels,
            code=self.code,
            value=self.verdict.value,
            threshold=self.verdict.limit,
            expires_seconds=_ROUTE_EXPIRES_SECONDS if "route" in self.labels else None,
        )


@dataclass(frozen=True, slots=True)
class Alarm:
    """A raised condition, and when it was last said (seconds since 1970)."""

    state: State
    said_at: float

    def covers(self, state: State, now: float) -> bool:
        """True when the same was said less than a minute ago."""
        same = state.verdict.grade is self.state.verdict.grade
        return same and 0 <= now - self.said_at < SAY_AGAIN_SECONDS

    def document(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Self:
        """The alarm that document() wrote."""
        state = dict(document["state"])
        verdict = dict(state["verdict"])
        judged = Verdict(**{**verdict, "grade": Grade(verdict["grade"])})
        known = State(**{**state, "category": Category(state["category"]), "verdict": judged})
        return cls(known, document["said_at"])


class Alarms:
    """What is raised now; begins with what an earlier process left raised."""

    def __init__(self, raised: Mapping[str, Alarm]) -> None:
        self.raised = dict(raised)
        self._said: set[str] = set()

    def grades(self) -> dict[str, Grade]:
        """The grade of everything that is raised, by key."""
        return {key: alarm.state.verdict.grade for key, alarm in self.raised.items()}

    def consider(self, families: Mapping[str, Sequence[State]], now: float) -> list[Signal]:
        """What is to be said, given every state of the families that could be judged.

        What is raised and no longer among the states of its family is over. A family that is not
        there could not be judged, and what is raised of it stays so.
        """
        states = [state for family in families.values() for state in family]
        signals = [signal for state in states if (signal := self._said_of(state, now))]
        gone = self.raised.keys() - {state.key for state in states}
        over = [key for key in sorted(gone) if self.raised[key].state.code in families]
        return [*signals, *(self.raised.pop(key).state.signal(Condition.CLEARED) for key in over)]

    def _said_of(self, state: State, now: float) -> Signal | None:
        before, first = self.raised.get(state.key), self._is_first(state)
        if state.verdict.grade is Grade.OK:
            self.raised.pop(state.key, None)
            return state.signal(Condition.CLEARED) if before or first else None
        if before is not None and not first and before.covers(state, now):
            self.raised[state.key] = Alarm(state, before.said_at)
            return None
        self.raised[state.key] = Alarm(state, now)
        return state.signal(Condition.RAISED)

    def _is_first(self, state: State) -> bool:
        """True once a process for each condition that is always there; routes may be thousands."""
        if "route" in state.labels or state.key in self._said:
            return False
        self._said.add(state.key)
        return True
