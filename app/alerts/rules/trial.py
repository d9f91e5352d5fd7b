"""Unit tests of rules, in promtool's format: series go in, alerts are expected at some times."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from ...core.measure import Measure, Sample
from ...core.signal import Condition, Signal
from .book import Rulebook
from .durations import Duration, words_of
from .model import Labels
from .notation import name_and_labels, values_of
from .readings import Sources, increase
from .watches import RuleSet

ORIGIN = datetime(2026, 1, 5, tzinfo=UTC)
"""When the virtual time of a test begins: a Monday, midnight."""

REQUESTS, BAD_REQUESTS, EVENTS = "requests", "requests_bad", "events"
"""Counters that stand for what objectives and anomalies count; events{event="..."} for the latter."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


def _read_by(reader: Callable[[str], object]) -> Callable[[str], str]:
    """Let a text pass that the reader understands."""

    def checked(text: str) -> str:
        reader(text)
        return text

    return checked


class InputSeries(_Part):
    """A series of values, one each `interval`."""

    series: Annotated[str, AfterValidator(_read_by(name_and_labels))]
    values: Annotated[str, BeforeValidator(str), AfterValidator(_read_by(values_of))]


class ExpectedAlert(_Part):
    """Labels and annotations that an alert has to have, beside others."""

    exp_labels: Labels = Field(default_factory=dict)
    exp_annotations: Labels = Field(default_factory=dict)


class AlertTest(_Part):
    """Which alerts of a rule fire at a time: exactly so many, each as one of those expected."""

    eval_time: Duration
    alertname: str
    exp_alerts: tuple[ExpectedAlert, ...] = ()


class Case(_Part):
    """One test: its series, and what is expected of them."""

    name: str = ""
    interval: Duration = 60.0
    input_series: tuple[InputSeries, ...]
    alert_rule_test: tuple[AlertTest, ...]


class TrialFile(_Part):
    """A file of tests; `rule_files` are found beside it."""

    rule_files: tuple[str, ...] = ()
    evaluation_interval: Duration = Field(60.0, gt=0)
    tests: tuple[Case, ...]


def failures(case: Case, rules: RuleSet, every_seconds: float, zone: ZoneInfo) -> Iterator[str]:
    """What is not as expected, a sentence each."""
    for at, firing in _rounds(case, rules, every_seconds, zone):
        for test in case.alert_rule_test:
            if at <= test.eval_time < at + every_seconds:
                found = [one for one in firing.values() if one.labels["rule"] == test.alertname]
                if not _agree(found, test.exp_alerts):
                    yield _difference(test, found)


def _rounds(
    case: Case, rules: RuleSet, every_seconds: float, zone: ZoneInfo
) -> Iterator[tuple[float, dict[str, Signal]]]:
    """After each evaluation: how long after ORIGIN it was, and what fires."""
    clock, history = _Clock(), _History(case)
    firing: dict[str, Signal] = {}

    def emit(signal: Signal) -> None:
        firing.pop(signal.key, None)
        if signal.condition is Condition.RAISED:
            firing[signal.key] = signal

    sources = history.sources(clock)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "rules.json"
        watches = rules.watches
        book = Rulebook(
            lambda growth: watches(sources, growth, zone),
            lambda: history.measures(clock.seconds),
            path,
            clock,
            emit,
        )
        last = max((test.eval_time for test in case.alert_rule_test), default=0.0)
        for number in range(int(last // every_seconds) + 1):
            clock.seconds = number * every_seconds
            book.evaluate()
            yield clock.seconds, dict(firing)


@dataclass(slots=True)
class _Clock:
    """The virtual time of a test, in seconds after ORIGIN."""

    seconds: float = 0.0

    def now(self) -> datetime:
        return ORIGIN + timedelta(seconds=self.seconds)

    def monotonic(self) -> float:
        return self.seconds


class _History:
    """The series of a test, as values by time."""

    def __init__(self, case: Case) -> None:
        self._interval = case.interval
        self._series = [
            (*name_and_labels(given.series), values_of(given.values)) for given in case.input_series
        ]

    def sources(self, clock: _Clock) -> Sources:
        def requests(seconds: float, _: float | None) -> tuple[int, int]:
            begin = clock.seconds - seconds
            return (
                round(self._increase(REQUESTS, {}, begin, clock.seconds)),
                round(self._increase(BAD_REQUESTS, {}, begin, clock.seconds)),
            )

        def events(name: str, begin: datetime, end: datetime) -> float:
            first, last = ((moment - ORIGIN).total_seconds() for moment in (begin, end))
            return self._increase(EVENTS, {"event": name}, first, last)

        return Sources(requests, events)

    def measures(self, seconds: float) -> list[Measure]:
        number = int(seconds // self._interval)
        return [
            Measure(name, "gauge", "", [Sample(value, labels)])
            for name, labels, values in self._series
            if number < len(values) and (value := values[number]) is not None
        ]

    def _increase(self, wanted: str, labels: Mapping[str, str], begin: float, end: float) -> float:
        grown = 0.0
        for name, own, values in self._series:
            if name == wanted and own == labels:
                times = [place * self._interval for place in range(len(values))]
                first, last = max(bisect_right(times, begin) - 1, 0), bisect_right(times, end)
                points = zip(times[first:last], values[first:last], strict=True)
                grown += increase([(at, value) for at, value in points if value is not None])
        return grown


def _agree(found: Sequence[Signal], expected: Sequence[ExpectedAlert]) -> bool:
    """Whether each alert is one of those expected, and none of these is missing."""
    left = list(found)
    for one in expected:
        fitting = next((signal for signal in left if _is(signal, one)), None)
        if fitting is None:
            return False
        left.remove(fitting)
    return not left


def _is(signal: Signal, expected: ExpectedAlert) -> bool:
    labels = {
        **signal.labels,
        "alertname": signal.labels["rule"],
        "severity": signal.severity,
    }
    annotations = {"title": signal.title, "message": signal.message, "runbook": labels.get("runbook", "")}
    wanted = {**expected.exp_labels}
    if "severity" in wanted:
        wanted["severity"] = wanted["severity"].upper()
    return wanted.items() <= labels.items() and expected.exp_annotations.items() <= annotations.items()


def _difference(test: AlertTest, found: Sequence[Signal]) -> str:
    expected = [dict(one.exp_labels) for one in test.exp_alerts] or "no alert"
    got = [{**one.labels, "severity": str(one.severity)} for one in found] or "none"
    return f"{test.alertname} at {words_of(test.eval_time)}: expected {expected}, got {got}"
