from pathlib import Path
from zoneinfo import ZoneInfo

from app.alerts.rules.book import Rulebook
from app.alerts.rules.model import MetricRule, Objective
from app.alerts.rules.readings import Sources
from app.alerts.rules.watches import RuleSet
from app.core.measure import Measure, Sample
from app.core.signal import Condition, Severity
from app.testing import FrozenClock, RecordingEmit

UTC = ZoneInfo("UTC")
Requests = dict[float, tuple[int, int]]


class Host:
    """A host with one gauge, its requests, and the rules that watch them."""

    def __init__(self, folder: Path) -> None:
        self.clock, self.emit = FrozenClock(), RecordingEmit()
        self.path = folder / "rules.json"
        self.requests: Requests = {}
        self.disks: dict[str, float] = {"/": 0.5}

    def measures(self) -> list[Measure]:
        return [Measure("disk_ratio", "gauge", "", [Sample(v, {"path": p}) for p, v in self.disks.items()])]

    def book(self, *rules: MetricRule | Objective) -> Rulebook:
        kinds = [rule for rule in rules if isinstance(rule, MetricRule)]
        goals = [rule for rule in rules if isinstance(rule, Objective)]
        sources = Sources(lambda seconds, _: self.requests[seconds], lambda *_: 0.0)
        watches = RuleSet(kinds, goals).watches
        return Rulebook(
            lambda growth: watches(sources, growth, UTC), self.measures, self.path, self.clock, self.emit
        )

    def told(self) -> list[tuple[Condition, str]]:
        told = [(signal.condition, signal.key) for signal in self.emit.signals]
        self.emit.signals.clear()
        return told


def full(**given: object) -> MetricRule:
    return MetricRule.model_validate({"name": "disk_full", "metric": "disk_ratio", "value": 0.9, **given})


ROOT = 'rule:disk_full{path="/"}'


def test_a_rule_raises_and_clears_by_series(tmp_path: Path) -> None:
    """Each series that passes the value is an alert of its own, which ends with it."""
    host = Host(tmp_path)
    book = host.book(full(severity="high", runbook="https://wiki/disk"))
    host.disks = {"/": 0.95, "/data": 0.5}
    book.evaluate()
    (signal,) = host.emit.signals
    assert (signal.key, signal.severity, signal.value, signal.threshold) == (ROOT, Severity.HIGH, 0.95, 0.9)
    assert signal.labels == {"path": "/", "rule": "disk_full", "runbook": "https://wiki/disk"}
    host.disks["/"] = 0.5
    book.evaluate()
    assert host.told() == [(Condition.RAISED, ROOT), (Condition.CLEARED, ROOT)]


def test_a_title_may_name_labels(tmp_path: Path) -> None:
    """{path} is that of the series; what is no label stays as it is."""
    host = Host(tmp_path)
    host.disks["/"] = 0.95
    host.book(full(title="Disk {path} {is} full", message="{value} of {threshold} on {path}")).evaluate()
    assert host.emit.signals[0].title == "Disk / {is} full"
    assert host.emit.signals[0].message == "0.95 of 0.9 on /"


def test_what_still_holds_is_said_once_a_minute(tmp_path: Path) -> None:
    """Each evaluation sees it, one a minute is told, with the last values."""
    host = Host(tmp_path)
    book = host.book(full())
    host.disks["/"] = 0.95
    for _ in range(7):
        book.evaluate()
        host.clock.advance(seconds=10)
    assert host.emit.signals[-1].labels["recent_values"] == ",".join(["0.95"] * 7)
    assert host.told() == [(Condition.RAISED, ROOT)] * 2


def test_pending_and_firing_survive_a_restart(tmp_path: Path) -> None:
    """Another process goes on where the last one was: `for` is not waited for again, an end is told."""
    host = Host(tmp_path)
    host.disks["/"] = 0.95
    host.book(full(**{"for": "5m"})).evaluate()
    assert host.told() == []
    host.clock.advance(minutes=5)
    host.book(full(**{"for": "5m"})).evaluate()
    assert host.told() == [(Condition.RAISED, ROOT)]
    host.disks["/"] = 0.1
    host.book(full(**{"for": "5m"})).evaluate()
    assert host.told() == [(Condition.CLEARED, ROOT)]


def test_a_rule_that_was_taken_out_of_the_file_ends_its_alerts(tmp_path: Path) -> None:
    """Nothing fires for ever because nobody watches it any more."""
    host = Host(tmp_path)
    host.disks["/"] = 0.95
    host.book(full()).evaluate()
    host.book().evaluate()
    assert host.told() == [(Condition.RAISED, ROOT), (Condition.CLEARED, ROOT)]


def test_nothing_to_compare_is_an_alert_where_the_rule_says_so(tmp_path: Path) -> None:
    """no_data: alert has a condition of its own, which waits for `for` too and ends with the data."""
    host = Host(tmp_path)
    book = host.book(full(no_data="alert", **{"for": "1m"}))
    host.disks = {}
    book.evaluate()
    assert host.told() == []
    host.clock.advance(minutes=1)
    book.evaluate()
    host.disks = {"/": 0.1}
    book.evaluate()
    absent = "rule:disk_full:no_data"
    assert host.told() == [(Condition.RAISED, absent), (Condition.CLEARED, absent)]


def test_a_rule_that_fails_is_told_and_keeps_what_was(tmp_path: Path) -> None:
    """The failure is an alert of its own; the others are evaluated all the same."""
    host = Host(tmp_path)
    host.disks["/"] = 0.95
    goal = Objective.model_validate({"name": "available", "target": 99})
    book = host.book(goal, full())
    book.evaluate()  # The host knows of no requests: a KeyError for every window.
    told = host.told()
    assert (Condition.RAISED, "rule:available:1h:failed") in told
    assert (Condition.RAISED, ROOT) in told
    host.requests = dict.fromkeys((300.0, 1800.0, 3600.0, 7200.0, 21600.0, 86400.0, 259200.0), (0, 0))
    book.evaluate()
    assert (Condition.CLEARED, "rule:available:1h:failed") in host.told()


def test_an_objective_pages_when_its_budget_burns_fast(tmp_path: Path) -> None:
    """Half of all requests failing for an hour is CRITICAL by the short windows, and all of the longer."""
    host = Host(tmp_path)
    goal = Objective.model_validate({"name": "available", "target": 99.9})
    seconds = (300.0, 1800.0, 3600.0, 7200.0, 21600.0, 86400.0, 259200.0)
    host.requests = dict.fromkeys(seconds, (1000, 500))
    host.requests[259200.0] = (1_000_000, 500)
    host.book(goal).evaluate()
    assert {signal.labels["window"]: signal.severity for signal in host.emit.signals} == {
        "1h": Severity.CRITICAL,
        "6h": Severity.HIGH,
        "1d": Severity.MEDIUM,
    }
    assert all(signal.code == "slo_burn" for signal in host.emit.signals)


def test_a_broken_memory_is_begun_anew(tmp_path: Path) -> None:
    """A file that cannot be read costs what it knew, not the rules."""
    host = Host(tmp_path)
    host.path.write_bytes(b"{")
    host.disks["/"] = 0.95
    host.book(full()).evaluate()
    assert host.told() == [(Condition.RAISED, ROOT)]
