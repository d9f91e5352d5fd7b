"""Which notices go out as one message, how long they wait for each other, and what it says."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import TypeAlias

from ..core.signal import Severity
from .matching import field_of
from .model import Alert, Digest, Item, Kind

Wait: TypeAlias = Callable[[Severity], float]
"""How long a notice of a severity waits for others, in seconds."""

SHOWN = 10
_OVER = frozenset({Kind.RESOLVED, Kind.ACKNOWLEDGED})
_WAITING = frozenset({Kind.FIRED, Kind.LATE, Kind.NOTED})
"""What says something new; a rise, an end or an escalation has been waited for long enough."""


@dataclass(frozen=True, slots=True)
class Grouping:
    """What the alerts of one message have in common, and how long a message is kept open for more."""

    by: tuple[str, ...]
    wait: Wait

    def group_of(self, alert: Alert, kind: Kind) -> str:
        """The name of the group that a notice belongs to; good news is kept apart from bad."""
        return " ".join([*(field_of(alert, name) for name in self.by), "over" if kind in _OVER else ""])

    def wait_of(self, alert: Alert, kind: Kind) -> float:
        """Seconds until the notice is due."""
        return self.wait(alert.severity) if kind in _WAITING else 0.0


def digest_of(items: Sequence[Item]) -> Digest:
    """The digest of at least one item."""
    ordered = sorted(items, key=lambda item: (-item.alert.severity.rank, item.kind in _OVER, item.alert.id))
    severities = Counter(item.alert.severity for item in items)
    kinds = Counter(item.kind for item in items)
    return Digest(
        items=tuple(ordered[:SHOWN]),
        total=len(items),
        by_severity={
            severity: severities[severity] for severity in reversed(Severity) if severities[severity]
        },
        by_kind={kind: kinds[kind] for kind in Kind if kinds[kind]},
        since=min(item.alert.started_at for item in items),
    )


def digest_key(keys: Sequence[str], channel: str) -> str:
    """The idempotency key of a digest: the same for the same notices."""
    return f"digest-{sha256(chr(0).join(sorted(keys)).encode()).hexdigest()[:20]}.{channel}"
