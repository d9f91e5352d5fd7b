"""The alerts that nobody had to configure, and what a file makes of them."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from math import inf
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.alerts.headings import details_of, heading_of
from app.core.signal import Condition, Signal
from app.performance.model import EVERY_REQUEST, Series
from app.performance.rules import shipped, under
from app.performance.settings import PerformanceSettings
from app.performance.vitals import Observed

from .judging import Host
from .readings import answered, latency_of, loop_reading, unanswered, worker

SETTINGS = PerformanceSettings(min_requests=5)
ORDERS: Series = ("http", "GET", "/orders")
ROUTE = "response_time:GET /orders"


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path, SETTINGS)


def disk(percent: float) -> Observed:
    return Observed(disks=[{"path": "/", "percent": percent, "inodes_percent": 1.0}])


def route(*seconds: float) -> Observed:
    return Observed(requests={ORDERS: latency_of(*seconds)})


def of(host: Host, key: str) -> list[str]:
    """What was said of one condition."""
    said = [one for one in host.emit.signals if one.key == key]
    return [f"{one.condition} {one.severity}" for one in said]


def last(host: Host) -> Signal:
    return host.emit.signals[-1]


@pytest.mark.parametrize("what", ["cpu", "memory"])
def test_cpu_and_memory_take_three_samples(host: Host, what: str) -> None:
    """With fewer nothing is known; with three over, it is so."""
    assert host.look(Observed(**{what: [99, 99]})) == []
    assert host.look(Observed(**{what: [99, 99, 99]})) == [f"raised CRITICAL {what}"]


def test_one_spike_is_no_alarm(host: Host) -> None:
    """All of three samples are over what is raised."""
    assert host.cpu([10, 10, 99], [99, 10, 99]) == ["cleared MEDIUM cpu"]  # The first look says what is well.
    assert host.cpu([85, 99, 96]) == ["raised MEDIUM cpu"]
    assert host.cpu([96, 99, 96]) == ["raised CRITICAL cpu"]


def test_one_dip_is_no_relief(host: Host) -> None:
    """All of three samples are below before it is over."""
    host.cpu([90, 90, 90])
    assert host.cpu([90, 90, 10], [90, 10, 10]) == []
    assert host.cpu([10, 10, 10]) == ["cleared MEDIUM cpu"]


def test_a_value_on_the_edge_is_one_alarm_and_not_many(host: Host) -> None:
    """What is raised stays so until it is 5 % below the threshold."""
    assert host.look(*map(disk, (86, 84, 86, 84, 81))) == ["raised MEDIUM disk:/"]
    assert host.look(disk(80)) == ["cleared MEDIUM disk:/"]


def test_it_falls_from_critical_to_warning_before_it_is_over(host: Host) -> None:
    """90 is below 95 by more than 5 %, and still over 85; each change is said at once."""
    said = host.look(*map(disk, (96, 94, 90, 80)))
    assert said == ["raised CRITICAL disk:/", "raised MEDIUM disk:/", "cleared MEDIUM disk:/"]


@pytest.mark.parametrize(
    ("observed", "reason"),
    [
        ([Observed(cpu=[96, 99, 97])], "97 % is over 95 % in 3 samples in a row"),
        ([disk(90), disk(84)], "84 % is not yet 5 % below 85 %"),
        ([route(*[3] * 5)], "p95 of 5 requests: 2.969 s is over 2 s"),
        (
            [Observed(requests={EVERY_REQUEST: latency_of(*[0.1] * 10, failed=2)})],
            "2 of 10 requests: 20 % is over 10 %",
        ),
        (
            [Observed(workers=[worker(loop=loop_reading(6_000, last_stall={"where": "a.py:7 pay"}))])],
            "a.py:7 pay: 6 s is over 5 s",
        ),
        ([Observed(database=unanswered(2, configured=True))], "connection refused"),
    ],
)
def test_the_reason_tells_value_and_threshold(host: Host, observed: list[Observed], reason: str) -> None:
    """A person can check the verdict."""
    for one in observed:
        host.look(one)
        host.clock.advance(minutes=1)
    host.look(observed[-1])
    (signal,) = [one for one in host.emit.signals if one.condition is Condition.RAISED]
    assert signal.message == reason


def test_a_signal_carries_what_the_alert_needs(host: Host) -> None:
    """Source, code, title, value, threshold, labels; a route also expires by itself."""
    host.look(route(*[3] * 5))
    (signal,) = [one for one in host.emit.signals if one.code == "response_time_high"]
    assert (signal.source, signal.title) == ("performance", "GET /orders answers slowly")
    assert (signal.value, signal.threshold) == (pytest.approx(3.0, rel=0.02), 2.0)
    assert signal.labels.items() >= {"method": "GET", "route": "/orders"}.items()
    assert signal.expires_seconds is not None


def test_a_few_slow_requests_are_no_alert(host: Host) -> None:
    """Four are under the five of this test's settings."""
    host.look(route(*[9] * 4))
    assert of(host, ROUTE) == []


def test_a_raised_route_is_judged_by_what_it_has(host: Host) -> None:
    """One slow request keeps it raised, one quick one does not."""
    host.look(route(*[9] * 5))
    host.look(route(9))
    assert of(host, ROUTE) == []
    host.look(route(0.1))
    assert of(host, ROUTE) == ["cleared CRITICAL"]


def test_a_route_that_vanished_is_over(host: Host) -> None:
    """Nobody calls it any more, so it is not slow any more; also for the process after this one."""
    host.look(route(*[9] * 5))
    host.restart()
    host.look(Observed(requests={}))
    assert of(host, ROUTE) == ["cleared CRITICAL"]


def test_no_traffic_is_no_error(host: Host) -> None:
    """An application that nobody calls at night is well."""
    host.look(Observed(requests={EVERY_REQUEST: latency_of(*[0.1] * 10, failed=2)}))
    host.look(Observed(requests={}))
    assert of(host, "error_rate") == ["cleared CRITICAL"]


def test_one_failure_of_the_database_is_not_yet_unreachable(host: Host) -> None:
    """From the second in a row on; after a restart the first keeps what was raised."""
    first, second = (Observed(database=unanswered(count, configured=True)) for count in (1, 2))
    assert "raised CRITICAL database" not in host.look(first)
    assert host.look(second) == ["raised CRITICAL database"]
    assert (last(host).value, last(host).threshold) == (None, None)
    host.restart()
    assert host.look(first) == []
    assert host.look(Observed(database=answered(configured=True))) == ["cleared CRITICAL database"]


def test_a_database_that_is_gone_from_the_settings_is_over(host: Host) -> None:
    """Nothing of it stays raised."""
    host.look(Observed(database=unanswered(2, configured=True)))
    host.look(Observed(database=answered(configured=False)))
    assert of(host, "database") == ["cleared CRITICAL"]


def test_what_could_not_be_judged_stays_raised(host: Host) -> None:
    """A sampler that fails clears nothing."""
    host.look(disk(90))
    assert host.look(Observed()) == []
    assert host.look(disk(10)) == ["cleared MEDIUM disk:/"]


def test_what_is_raised_is_said_again_each_minute(host: Host) -> None:
    """Between two minutes there is silence, and a clock that steps back does not lengthen it."""
    assert host.look(*[disk(90)] * 7) == ["raised MEDIUM disk:/"] * 2
    host.clock.set("2026-11-22T12:00:00Z")
    assert host.look(disk(90)) == ["raised MEDIUM disk:/"]


def test_the_first_look_says_also_what_is_well(host: Host) -> None:
    """So that what a killed process left raised is over; routes, which may be thousands, are left out."""
    host.look(Observed(cpu=[1, 1, 1], requests={ORDERS: latency_of(*[0.1] * 5)}))
    assert of(host, "cpu") == ["cleared MEDIUM"]
    assert of(host, ROUTE) == []
    assert host.cpu([1, 1, 1]) == []


@given(st.lists(st.floats(0, 100), max_size=20))
def test_raised_and_cleared_take_turns(percents: list[float]) -> None:
    """Whatever the values, nothing is cleared twice."""
    with TemporaryDirectory() as folder:
        host = Host(Path(folder), SETTINGS)
        host.look(disk(0))
        said = [one.partition(" ")[0] for one in host.look(*map(disk, percents))]
    assert ("cleared", "cleared") not in set(pairwise(["cleared", *said]))


def changed(tmp_path: Path, *rules: str) -> Host:
    """A host whose file says this of rules."""
    return Host(tmp_path, SETTINGS, "rules:\n" + "".join(f"  - {rule}\n" for rule in rules))


def test_a_file_changes_only_what_it_says(tmp_path: Path) -> None:
    """A threshold of its own; the other one, hysteresis, key and words stay."""
    host = changed(tmp_path, "{name: disk_high, value: 50}")
    assert host.look(disk(51), disk(48), disk(96)) == ["raised MEDIUM disk:/", "raised CRITICAL disk:/"]
    assert last(host).title == "Disk / is nearly full"
    assert "own_words" not in last(host).labels


def test_a_shipped_rule_gets_everything_that_a_rule_can_say(tmp_path: Path) -> None:
    """How long it has to be so, what it is worth, labels, a runbook."""
    host = changed(
        tmp_path,
        "{name: disk_high, for: 20s, critical: null, severity: low, labels: {team: ops}, runbook: https://w/d}",
    )
    assert host.look(disk(9), disk(99), disk(99)) == ["cleared LOW disk:/"]
    assert host.look(disk(99)) == ["raised LOW disk:/"]
    assert last(host).labels.items() >= {"team": "ops", "runbook": "https://w/d", "rule": "disk_high"}.items()


def test_a_shipped_rule_can_be_switched_off(tmp_path: Path) -> None:
    """It says nothing more, and what it said is over."""
    Host(tmp_path, SETTINGS).look(disk(99))
    host = changed(tmp_path, "{name: disk_high, enabled: false}")
    assert host.look(disk(99)) == ["cleared CRITICAL disk:/"]
    assert host.look(disk(99)) == []


def test_a_rule_with_a_metric_of_its_own_takes_the_place(tmp_path: Path) -> None:
    """What the shipped one said is over, and nobody is told twice."""
    Host(tmp_path, SETTINGS).look(disk(99))
    host = changed(tmp_path, "{name: disk_high, metric: atalaia_disk_percent, value: 98, title: Mine}")
    assert host.look(disk(99)) == ['raised MEDIUM rule:disk_high{path="/"}', "cleared CRITICAL disk:/"]


@pytest.mark.parametrize(("words", "heading"), [("", "Disco quase cheio"), (", title: Cheio!", "Cheio!")])
def test_words_of_a_file_are_told_as_they_are(tmp_path: Path, words: str, heading: str) -> None:
    """In whatever language; where it says none, ours are in the reader's."""
    host = changed(tmp_path, f"{{name: disk_high, value: 50{words}}}")
    host.look(disk(60))
    said = last(host)
    assert heading_of(said.code, said.labels, said.title, "pt-BR") == heading
    assert details_of(said.code, said.labels, said.message, "pt-BR").startswith("O espaço usado")


def test_the_thresholds_of_a_file_are_shown_too() -> None:
    """Performance grades by the same values; a rule that is off grades nothing."""
    settings = under(SETTINGS, {"cpu_high": (50.0, 60.0), "response_time_high": (inf, inf)})
    assert (settings.cpu.warning, settings.cpu.critical) == (50, 60)
    assert settings.response.grade(1e6) == "ok"
    assert settings.disk == SETTINGS.disk


def test_settings_are_the_thresholds_of_the_shipped_rules() -> None:
    """Who set PERFORMANCE_CPU_WARNING_PERCENT needs no file."""
    settings = PerformanceSettings(cpu_warning_percent=42, confirm_samples=7, loop_critical_seconds=9)
    said = {rule.name: rule.given for rule in shipped(settings)}
    assert (said["cpu_high"]["value"], said["cpu_high"]["samples"]) == (42, 7)
    assert said["event_loop_blocked"]["critical"] == 9


def test_every_shipped_rule_reads_something_that_is_measured(host: Host) -> None:
    """No rule waits for a metric that nobody has."""
    everything = Observed(
        cpu=[1],
        memory=[1],
        disks=[{"path": "/", "percent": 1, "inodes_percent": 1}],
        requests={},
        workers=[worker()],
        database=answered(configured=True, connections={"percent": 1.0}),
        external={"openai": answered()},
    )
    host.look(everything)
    metrics: Iterable[str] = {rule.given["metric"] for rule in shipped(SETTINGS)}
    assert set(metrics) == {measure.name for measure in host.measures}
