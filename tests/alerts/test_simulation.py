"""A small year; `python -m tests.alerts.simulation 1000000` is the large one."""

from __future__ import annotations

import random
from datetime import timedelta
from pathlib import Path

from .simulation import live


def test_nothing_is_lost_and_nobody_is_flooded_whatever_happens(tmp_path: Path) -> None:
    """No fire without a notice or a reason, no end without its beginning, nothing inside a cooldown but
    for what may be, through failures, crashes, silences, wrong clocks and suspends.
    """
    seed = random.SystemRandom().randrange(2**32)
    print(f"seed {seed}")  # noqa: T201 because a failure has to be repeatable
    happened = live(seed, 700, timedelta(days=3), tmp_path)
    assert happened["look"] > 100
    assert happened["messages to chat"] > 5
