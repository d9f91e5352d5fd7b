"""Lines add up to the same sums in any order; one line counts for each key."""

from __future__ import annotations

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from app.metrics.money import MICRO
from app.metrics.rollup import Deltas, Fact, Row, Trace, fact_of

from .desk import event


def fact(**changes: object) -> Fact:
    """A line of series 1 at the first minute of 1970."""
    fields = {
        "name": "revenue",
        "series": 1,
        "at": 0,
        "recorded": 0,
        "digest": 0,
        "value": MICRO,
        "amount": 100,
        "currency": "BRL",
        "person": None,
        "conversation": None,
    }
    return Fact(**{**fields, **changes})  # type: ignore[arg-type]


def settled(facts: list[Fact]) -> Deltas:
    """What facts that share one key change."""
    deltas, counted = Deltas(), None
    for one in facts:
        counted = deltas.settle(one, counted)
    return deltas


def sums(deltas: Deltas) -> dict[tuple[int, int], Row]:
    """The minutes in which something counts."""
    return {minute: row for minute, row in deltas.minutes.items() if row.events}


def test_a_minute_an_hour_and_a_day_hold_the_same_event() -> None:
    """Each grain has the event in the bucket that holds its time."""
    deltas = settled([fact(at=90_000 * MICRO)])
    assert [row[:3] for row in deltas.buckets()] == [(60, 90_000, 1), (3600, 90_000, 1), (86400, 86400, 1)]


def test_coarse_buckets_are_the_sum_of_fine_ones() -> None:
    """Two minutes of an hour make one row of that hour."""
    deltas = Deltas()
    for minute, value in enumerate([3, 5]):
        deltas.settle(fact(at=minute * 60 * MICRO, value=value), None)
    assert [row[3:] for row in deltas.buckets() if row[0] == 3600] == [(2, 2, 8, 3, 5, 200)]


def test_the_line_that_was_recorded_first_counts() -> None:
    """A retry that is read before the first attempt gives way to it."""
    first, retry = fact(recorded=1, amount=100), fact(recorded=2, amount=50, at=3600 * MICRO)
    assert sums(settled([retry, first])) == sums(settled([first, retry]))
    assert [row.amount for row in sums(settled([retry, first])).values()] == [100]


def test_another_amount_with_the_same_key_is_a_conflict() -> None:
    """A repeated amount is a duplicate; a different one, or another currency, contradicts."""
    assert settled([fact(), fact(recorded=1)]).conflicts == 0
    assert settled([fact(), fact(recorded=1, amount=99)]).conflicts == 1
    assert settled([fact(), fact(recorded=1, currency="USD")]).conflicts == 1


repeated = st.lists(
    st.builds(
        fact,
        at=st.integers(0, 4).map(lambda hours: hours * 3600 * MICRO),
        recorded=st.integers(0, 3),
        digest=st.integers(),
        amount=st.sampled_from([100, 50]),
        person=st.sampled_from([None, 7]),
        name=st.just("lead_generated"),
    ),
    min_size=1,
    max_size=6,
    unique_by=lambda one: one.digest,
)


@settings(max_examples=50, deadline=None)
@given(repeated, st.randoms(use_true_random=False))
def test_repeated_lines_count_alike_in_any_order(lines: list[Fact], chance: object) -> None:
    """Whatever the order of the lines of one key, the same one counts, and leaves the same traces."""
    shuffled = list(lines)
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    one, other = settled(lines), settled(shuffled)
    assert {key: msgspec.structs.astuple(row) for key, row in one.minutes.items()} == {
        key: msgspec.structs.astuple(row) for key, row in other.minutes.items()
    }
    assert +one.traces == +other.traces


def traces(name: str, **fields: str) -> set[int]:
    """The kinds of traces that an event leaves."""
    one = event(name, **fields)
    deltas = Deltas()
    deltas.settle(fact_of(one, msgspec.json.encode(one), 1), None)
    return {kind for _, kind, _ in deltas.traces}


def test_an_event_leaves_traces_of_the_one_who_it_is_about() -> None:
    """A conversation that begins is seen, begun, and the funnel's first stage; a cost is nobody's."""
    begun = {Trace.SEEN, Trace.BEGAN, Trace.FIRST_STAGE}
    assert traces("conversation_started", user_id="u") == begun
    assert traces("conversation_started", conversation_id="c") == begun
    assert traces("revenue", amount="1", user_id="u") == {Trace.SEEN, Trace.FIRST_STAGE + 4}
    assert traces("cost", amount="1") == set()


def test_values_are_whole_millionths() -> None:
    """What is added up has no rounding of its own; a plain event counts one."""
    measured = {
        name: fact_of(event(name, **fields), b"", 1).value
        for name, fields in {
            "a": {"value": 0.1},
            "b": {},
            "lead_qualified": {},
            "conversation_ended": {"tags": {"outcome": "abandoned"}},
        }.items()
    }
    assert measured == {"a": 100_000, "b": MICRO, "lead_qualified": None, "conversation_ended": 0}
