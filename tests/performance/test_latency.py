from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.performance.latency import (
    EDGES,
    LONGEST,
    OTEL_BOUNDS,
    Latency,
    add_encoded,
    decode_counts,
    merged,
)

from .readings import latency_of

durations = st.lists(st.floats(min_value=1e-4, max_value=LONGEST), min_size=1, max_size=200)
latencies = st.builds(lambda seconds: latency_of(*seconds), durations)


@given(durations, st.sampled_from([50, 95, 99, 99.9]))
def test_a_percentile_is_off_by_at_most_1_6_percent(seconds: list[float], percent: float) -> None:
    """Whatever the durations, the nearest rank's bucket middle is within 1.6 % of the true one."""
    rank = max(1, math.ceil(len(seconds) * percent / 100))
    true = sorted(seconds)[rank - 1]
    found = latency_of(*seconds).percentile(percent)
    assert found == pytest.approx(true, rel=0.016)


@given(latencies, latencies, latencies)
def test_adding_is_associative_and_commutative(first: Latency, second: Latency, third: Latency) -> None:
    """Workers and minutes may be added in any order and grouping."""
    assert merged([merged([first, second]), third]) == merged([third, merged([second, first])])


@given(latencies, latencies)
def test_encoded_histograms_add_up_like_open_ones(first: Latency, second: Latency) -> None:
    """Adding in SQLite and adding in Python give the same counts."""
    assert decode_counts(add_encoded(first.encode(), second.encode())) == merged([first, second]).counts


@given(latencies)
def test_encoding_loses_nothing(latency: Latency) -> None:
    """The counts come back as they were."""
    assert decode_counts(latency.encode()) == latency.counts


def test_nothing_encodes_to_nothing() -> None:
    """An empty histogram takes no byte and comes back empty."""
    assert Latency().encode() == b""
    assert decode_counts(b"") == {}


@given(st.lists(st.sampled_from(OTEL_BOUNDS), min_size=1), st.sampled_from(OTEL_BOUNDS))
def test_counts_up_to_the_bounds_of_opentelemetry_are_exact(seconds: list[float], bound: float) -> None:
    """A duration that equals a bound counts as not above it."""
    assert latency_of(*seconds).at_most(bound) == sum(duration <= bound for duration in seconds)


def test_no_bucket_is_wider_than_a_thirty_second() -> None:
    """32 buckets an octave, and the bounds of OpenTelemetry only make some of them narrower."""
    assert all(after - before <= before / 32 + 1e-12 for before, after in pairwise(EDGES))


@pytest.mark.parametrize("nonsense", [-1.0, math.nan, -math.inf])
def test_what_is_no_duration_counts_as_zero(nonsense: float) -> None:
    """A clock that runs backwards neither raises nor spoils the sum."""
    latency = latency_of(nonsense)
    assert (latency.count, latency.seconds, latency.worst) == (1, 0.0, 0.0)


@pytest.mark.parametrize("endless", [1e9, math.inf])
def test_what_is_longer_than_an_hour_counts_as_the_longest(endless: float) -> None:
    """The sum stays finite."""
    latency = latency_of(endless)
    assert latency.worst == latency.seconds == LONGEST


def test_nothing_has_no_percentile() -> None:
    """Without a duration there is no number to tell, and no share of errors."""
    assert Latency().percentile(95) is None
    assert Latency().error_percent == 0.0


def test_a_percentile_is_never_over_the_worst() -> None:
    """The middle of the last bucket may lie above everything in it."""
    assert latency_of(1.001).percentile(99) == 1.001


def test_errors_are_a_share_of_all() -> None:
    """One of four failed: 25 %."""
    assert latency_of(1, 1, 1, 1, failed=1).error_percent == 25.0
