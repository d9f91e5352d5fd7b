"""What can go wrong with events, and how that is said: as a signal, as health, as a count. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ..core.health import Health, Level
from ..core.measure import Measure, Sample
from ..core.signal import Category, Severity, Signal

_RECENT_SECONDS = 3600.0
_NEVER = (0, float("-inf"))


@dataclass(frozen=True, slots=True)
class Trouble:
    """A way in which events do not count."""

    title: str
    severity: Severity
    message: str


DROPPED, REFUSED, QUARANTINED, CONFLICTS = "dropped", "refused", "quarantined", "conflicts"
TROUBLES = {
    DROPPED: Trouble(
        "Business events were lost",
        Severity.HIGH,
        "The disk refused the journal until memory was full; see disk space and rights of logs/.",
    ),
    REFUSED: Trouble(
        "Business events were refused",
        Severity.MEDIUM,
        "The application recorded events with bad arguments; app.log says which.",
    ),
    QUARANTINED: Trouble(
        "Journal lines are no business events",
        Severity.MEDIUM,
        "They were put aside with the reason, in the table quarantine of metrics.sqlite.",
    ),
    CONFLICTS: Trouble(
        "A key was used again with another amount",
        Severity.MEDIUM,
        "The amount that was recorded first counts; two different payments must not share a key.",
    ),
}

Tallies = Mapping[str, tuple[int, float]]
"""How often each trouble came, and when last, in epoch seconds."""


def signals(counts: Mapping[str, int]) -> Iterator[Signal]:
    """A signal for each trouble that came; over when it has not come again for an hour."""
    for name, count in counts.items():
        if count:
            trouble = TROUBLES[name]
            yield Signal(
                source="metrics",
                key=f"events_{name}",
                title=trouble.title,
                severity=trouble.severity,
                category=Category.BUSINESS,
                message=trouble.message,
                code=f"events_{name}",
                value=count,
                expires_seconds=_RECENT_SECONDS,
            )


def health(tallies: Tallies, *, waiting: int, behind: bool, now: float) -> Health:
    """Degraded while the disk refuses journal or rollups, and for an hour after a trouble."""
    reasons = [
        trouble.title[0].lower() + trouble.title[1:]
        for name, trouble in TROUBLES.items()
        if now - tallies.get(name, _NEVER)[1] < _RECENT_SECONDS
    ]
    if waiting:
        reasons.append("events wait in memory for the disk")
    if behind:
        reasons.append("the journal could not be folded, so that answers are behind")
    details = {"waiting": waiting, **{name: tallies.get(name, _NEVER)[0] for name in TROUBLES}}
    return Health(Level.DEGRADED if reasons else Level.OK, "; ".join(reasons), details)


def measure(tallies: Tallies) -> Measure:
    """The same counts for a time series database."""
    return Measure(
        "atalaia_business_events_lost",
        "counter",
        "Business events that were not counted, by reason.",
        [Sample(tallies.get(name, _NEVER)[0], {"reason": name}) for name in TROUBLES],
    )
