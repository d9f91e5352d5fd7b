"""What a host application adds of its own: health checks, probes, alert rules, dashboard cards."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from .core.guard import guard
from .core.health import Health, Level
from .core.measure import Measure, Sample
from .core.signal import Category, Condition, Emit, Severity, Signal

HealthCheck = Callable[[], Health]
Rule = Callable[[], Iterable[Signal]]
Card = Callable[[], Mapping[str, object]]


@dataclass(slots=True)
class Probe:
    """A figure of the host's own; `value` is the last one read, None before the first and after a failure."""

    name: str
    read: Callable[[], float]
    warning: float | None
    critical: float | None
    value: float | None = None

    def severity(self) -> Severity | None:
        """What the last value is worth: CRITICAL, MEDIUM or nothing."""
        if self.value is None:
            return None
        if self.critical is not None and self.value >= self.critical:
            return Severity.CRITICAL
        return Severity.MEDIUM if self.warning is not None and self.value >= self.warning else None


@dataclass(slots=True)
class Extensions:
    """Everything registered with one Atalaia; a failure in any of it stays there and is counted."""

    health_checks: dict[str, HealthCheck] = field(default_factory=dict)
    probes: dict[str, Probe] = field(default_factory=dict)
    rules: list[Rule] = field(default_factory=list)
    cards: dict[str, Card] = field(default_factory=dict)
    _raised: set[str] = field(default_factory=set)

    def health(self) -> dict[str, Health]:
        """The host's components by name; a check that fails itself counts as down."""
        return {name: _checked(name, check) for name, check in self.health_checks.items()}

    def evaluate(self, emit: Emit) -> None:
        """Read every probe and ask every rule; their signals are emitted."""
        for probe in self.probes.values():
            probe.value = None
            with guard(f"probe.{probe.name}"):
                probe.value = float(probe.read())
            self._judge(probe, emit)
        for rule in self.rules:
            with guard(f"rule.{getattr(rule, '__name__', 'rule')}"):
                for signal in rule():
                    emit(signal)

    def measures(self) -> Iterator[Measure]:
        """The probes' values as one family."""
        samples = [
            Sample(probe.value, {"probe": probe.name})
            for probe in self.probes.values()
            if probe.value is not None
        ]
        if samples:
            yield Measure("atalaia_probe_value", "gauge", "Last value of the host's own probes", samples)

    def shown_cards(self) -> dict[str, Mapping[str, object]]:
        """Title → name and value pairs; a card that fails shows nothing but that."""
        shown: dict[str, Mapping[str, object]] = {}
        for title, card in self.cards.items():
            shown[title] = {"error": "this card failed"}
            with guard(f"card.{title}"):
                shown[title] = dict(card())
        return shown

    def _judge(self, probe: Probe, emit: Emit) -> None:
        severity = probe.severity()
        if severity is not None:
            self._raised.add(probe.name)
            emit(_over(probe, severity))
        elif probe.name in self._raised and probe.value is not None:
            self._raised.discard(probe.name)
            emit(_over(probe, Severity.LOW, Condition.CLEARED))


def _checked(name: str, check: HealthCheck) -> Health:
    with guard(f"health.{name}"):
        return check()
    return Health(Level.DOWN, "its health check failed itself")


def _over(probe: Probe, severity: Severity, condition: Condition = Condition.RAISED) -> Signal:
    limit = probe.critical if severity is Severity.CRITICAL else probe.warning
    return Signal(
        source="app",
        key=f"probe:{probe.name}",
        title=f"{probe.name} is too high",
        severity=severity,
        category=Category.PERFORMANCE,
        condition=condition,
        labels={"probe": probe.name},
        value=probe.value,
        threshold=limit,
        # Because the process that would clear it may be gone by then.
        expires_seconds=300,
    )
