"""The shipped rules held against what a test says is measured."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from zoneinfo import ZoneInfo

from app.alerts.config import parse_plan, rules_of
from app.alerts.rules.book import Rulebook
from app.alerts.rules.readings import Sources
from app.core.clock import Clock
from app.core.measure import Measure
from app.core.signal import Emit
from app.performance.rules import shipped
from app.performance.settings import PerformanceSettings
from app.performance.vitals import Observed, vitals
from app.testing import FrozenClock, RecordingEmit

NOTHING = Sources(lambda *_: (0, 0), lambda *_: 0.0)


def rulebook(
    settings: PerformanceSettings,
    measures: Callable[[], Sequence[Measure]],
    folder: Path,
    clock: Clock,
    emit: Emit,
    file: str = "",
) -> Rulebook:
    """The shipped rules, as `file` changes them."""
    ours = shipped(settings)
    rules = rules_of([parse_plan(file, "alerts.yaml", shipped=ours)], ours)
    folder.mkdir(exist_ok=True)
    zone = ZoneInfo("UTC")
    return Rulebook(
        lambda growth: rules.watches(NOTHING, growth, zone), measures, folder / "rules.json", clock, emit
    )


class Host:
    """A host of which a test says what is observed; each look comes ten seconds after the last one."""

    def __init__(self, folder: Path, settings: PerformanceSettings, file: str = "") -> None:
        self.clock, self.emit = FrozenClock(), RecordingEmit()
        self.settings, self.folder, self.file = settings, folder, file
        self.observed = Observed()
        self.restart()

    def restart(self) -> None:
        """Another process leads."""
        self.book = rulebook(
            self.settings, lambda: self.measures, self.folder, self.clock, self.emit, self.file
        )

    @property
    def measures(self) -> list[Measure]:
        return list(vitals(self.observed, self.settings))

    def look(self, *observed: Observed) -> list[str]:
        """What is said after some looks, like `raised CRITICAL cpu`."""
        self.emit.signals.clear()
        for one in observed:
            self.clock.advance(seconds=10)
            self.observed = one
            self.book.evaluate()
        return [f"{one.condition} {one.severity} {one.key}" for one in self.emit.signals]

    def cpu(self, *looks: Iterable[float]) -> list[str]:
        """The same of looks at CPU's last percents."""
        return self.look(*(Observed(cpu=list(percents)) for percents in looks))
