from __future__ import annotations

import json
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from app.core.signal import Category, Condition, Severity, Signal
from app.performance.alarms import Alarm, Alarms, State
from app.performance.model import Grade
from app.performance.thresholds import Verdict


def cpu(grade: Grade) -> State:
    return State(
        "cpu_high", "cpu", "CPU use is high", Category.PERFORMANCE, Verdict(grade, "why", 97.0, 95.0)
    )


def route(grade: Grade, name: str = "/orders") -> State:
    verdict = Verdict(grade, "why", 3.0, 2.0)
    key, labels = f"response_time:GET {name}", {"route": name}
    return State("response_time_high", key, f"GET {name}", Category.PERFORMANCE, verdict, labels)


def said(signals: list[Signal]) -> list[tuple[str, Condition, Severity]]:
    return [(signal.key, signal.condition, signal.severity) for signal in signals]


def calm(*states: State) -> Alarms:
    """Alarms that have said of each state that it is well."""
    alarms = Alarms({})
    for state in states:
        alarms.consider({state.code: [state]}, now=0)
    return alarms


def test_the_first_look_says_also_what_is_well() -> None:
    """So that what an earlier process left raised is over; routes, which may be thousands, are left out."""
    alarms = Alarms({})
    signals = alarms.consider({"cpu_high": [cpu(Grade.OK)], "response_time_high": [route(Grade.OK)]}, now=0)
    assert said(signals) == [("cpu", Condition.CLEARED, Severity.MEDIUM)]


def test_a_change_is_said_at_once() -> None:
    """Raised, made worse, made better, cleared."""
    alarms = calm(cpu(Grade.OK))
    steps = [Grade.WARNING, Grade.CRITICAL, Grade.WARNING, Grade.OK]
    told = [alarms.consider({"cpu_high": [cpu(grade)]}, now=1 + n) for n, grade in enumerate(steps)]
    assert [said(signals)[0][1:] for signals in told] == [
        (Condition.RAISED, Severity.MEDIUM),
        (Condition.RAISED, Severity.CRITICAL),
        (Condition.RAISED, Severity.MEDIUM),
        (Condition.CLEARED, Severity.MEDIUM),
    ]


def test_what_is_raised_is_said_again_each_minute() -> None:
    """Between two minutes there is silence."""
    alarms = calm(cpu(Grade.OK))
    told = [
        second for second in range(0, 190, 10) if alarms.consider({"cpu_high": [cpu(Grade.WARNING)]}, second)
    ]
    assert told == [0, 60, 120, 180]


def test_what_is_well_stays_unsaid() -> None:
    """No alarm, no word."""
    alarms = calm(cpu(Grade.OK))
    assert alarms.consider({"cpu_high": [cpu(Grade.OK)]}, now=999) == []


def test_a_clock_that_steps_back_does_not_silence() -> None:
    """An alarm said in the future is said again now."""
    alarms = calm(cpu(Grade.OK))
    alarms.consider({"cpu_high": [cpu(Grade.WARNING)]}, now=10_000)
    assert alarms.consider({"cpu_high": [cpu(Grade.WARNING)]}, now=5)


def test_a_route_that_vanished_is_cleared() -> None:
    """Nobody calls it any more, so it is not slow any more."""
    alarms = Alarms({})
    alarms.consider({"response_time_high": [route(Grade.CRITICAL)]}, now=0)
    assert said(alarms.consider({"response_time_high": []}, now=1)) == [
        ("response_time:GET /orders", Condition.CLEARED, Severity.CRITICAL)
    ]
    assert alarms.raised == {}


def test_what_could_not_be_judged_stays_raised() -> None:
    """A sampler that fails clears nothing."""
    alarms = calm(cpu(Grade.WARNING))
    assert alarms.consider({}, now=1) == []
    assert alarms.grades() == {"cpu": Grade.WARNING}


def test_the_next_process_knows_what_was_left_raised() -> None:
    """Across a restart a route that is slow no more is still cleared."""
    before = Alarms({})
    before.consider({"response_time_high": [route(Grade.WARNING)]}, now=0)
    kept = json.loads(json.dumps({key: alarm.document() for key, alarm in before.raised.items()}))
    after = Alarms({key: Alarm.from_document(document) for key, document in kept.items()})
    assert after.raised == before.raised
    assert said(after.consider({"response_time_high": [route(Grade.OK)]}, now=1))[0][1] is Condition.CLEARED


def test_a_signal_carries_what_the_alert_needs() -> None:
    """Source, code, value, threshold and reason; a route also expires by itself."""
    (signal,) = Alarms({}).consider({"response_time_high": [route(Grade.WARNING)]}, now=0)
    assert (signal.source, signal.code, signal.value, signal.threshold, signal.message) == (
        "performance",
        "response_time_high",
        3.0,
        2.0,
        "why",
    )
    assert signal.expires_seconds is not None


@given(st.lists(st.sampled_from(Grade), max_size=30))
def test_raised_and_cleared_take_turns(grades: list[Grade]) -> None:
    """Whatever the grades, nothing is cleared twice, and what is raised at the end is what was said last."""
    alarms, conditions = calm(cpu(Grade.OK)), []
    for second, grade in enumerate(grades):
        signals = alarms.consider({"cpu_high": [cpu(grade)]}, now=second)
        conditions += [signal.condition for signal in signals]
    cleared_twice = any(pair == (Condition.CLEARED, Condition.CLEARED) for pair in pairwise(conditions))
    assert not cleared_twice
    assert bool(alarms.raised) == (conditions[-1:] == [Condition.RAISED])
