"""What comes and goes."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import timedelta

from app.alerts.flapping import STATES, flaps, percent, settles_at, states_of

from .examples import NOON

SECOND = timedelta(seconds=1)


def nagios(history: Sequence[int]) -> float:
    """The percentage as Nagios's documentation works it out, place by place."""
    weighed = 0.0
    for place in range(1, STATES):
        if history[place] != history[place - 1]:
            weighed += (place - 1) * (1.25 - 0.75) / (STATES - 2) + 0.75
    return weighed * 100 / (STATES - 1)


def wave(seconds: float, count: int) -> list:
    """A condition that changes each so many seconds."""
    return [NOON + number * seconds * SECOND for number in range(count)]


def test_percentage_is_that_of_nagios() -> None:
    """On 10,000 random histories."""
    chance = random.Random(7)
    for _ in range(10_000):
        history = [chance.randint(0, 1) for _ in range(STATES)]
        assert abs(percent(history) - nagios(history)) < 1e-9


def test_short_history_was_steady_before() -> None:
    """Two changes are not much."""
    assert percent([]) == 0
    assert percent([0, 1]) == 6.25
    assert percent([0, 1] * 11) > 95


def test_quick_wave_flaps_after_six_changes() -> None:
    """Each ten seconds: within a minute."""
    started = [count for count in range(1, 20) if flaps(wave(10, count), wave(10, count)[-1], did=False)]
    assert started[0] == 6


def test_slow_wave_does_not_flap() -> None:
    """Each five minutes a change is what cooldowns are for."""
    changes = wave(300, 100)
    assert not flaps(changes, changes[-1], did=False)


def test_flapping_ends_when_it_has_been_calm() -> None:
    """Within half an hour of the last change, whichever way it ended, and not at once."""
    changes = wave(10, 100)
    calm = [m for m in range(60) if not flaps(changes, changes[-1] + timedelta(minutes=m), did=True)]
    assert 10 <= calm[0] <= 20
    assert settles_at(changes) == changes[-1] + timedelta(minutes=calm[0])


def test_states_are_bounded() -> None:
    """A year between two changes is no year of states; a clock set back is no state at all."""
    changes = [NOON, NOON + timedelta(days=365), NOON]
    assert len(states_of(changes, NOON)) <= STATES
