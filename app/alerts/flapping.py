"""Whether a condition comes and goes too often to say so each time, by the weights that Nagios uses.

Nagios looks at the last 21 states of a service, weighs each change from 0.75 (the oldest) to 1.25
(the newest), and calls it flapping from 30 % on until it is down to 20 %. What is observed here only
when it changes is taken to have been looked at each minute in between.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise

STATES = 21
CHANGES_KEPT = STATES + 1
_STARTS, _STOPS = 30.0, 20.0
_LOOKED = timedelta(minutes=1)


def percent(states: Sequence[int]) -> float:
    """How much the last 21 states changed, 0 to 100; fewer are taken to have been steady before."""
    last = list(states[-STATES:])
    last = [last[0]] * (STATES - len(last)) + last if last else [0] * STATES
    slope = 0.5 / (STATES - 2)
    weighed = [0.75 + place * slope for place, (a, b) in enumerate(pairwise(last)) if a != b]
    return sum(weighed) * 100 / (STATES - 1)


def states_of(changes: Sequence[datetime], now: datetime) -> list[int]:
    """The last 21 states of a condition that changed at these times, looked at each minute as well."""
    states, state = [0], 0
    for change, following in pairwise([*changes, now]):
        state = 1 - state
        steady = max((following - change) // _LOOKED, 0)
        states += [state] * (1 + min(steady, STATES))
    return states[-STATES:]


def settles_at(changes: Sequence[datetime]) -> datetime:
    """From when on what flaps no longer does, if it does not change again."""
    minutes = range(STATES + 1)
    calm = bisect_left(
        minutes, True, key=lambda minute: not flaps(changes, changes[-1] + minute * _LOOKED, did=True)
    )
    return changes[-1] + calm * _LOOKED


def flaps(changes: Sequence[datetime], now: datetime, *, did: bool) -> bool:
    """Whether it flaps now; `did`: whether it did so when it was looked at last."""
    changed = percent(states_of(changes, now))
    return changed > _STOPS if did else changed >= _STARTS
