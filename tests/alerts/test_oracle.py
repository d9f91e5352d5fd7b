"""What is told, and what silences and inhibition hold back, against a live Alertmanager.

    python -m tests.alerts.test_oracle 1000        # more scripts, 200 at once

It is Debian's `prometheus-alertmanager`; where the program is not in the path, its test is skipped.
"""

from __future__ import annotations

import random
import sys
import tempfile
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import pytest

from .oracle.alertmanager import PROGRAM, TooLate, believed_by_theirs
from .oracle.comparison import Believed, differences
from .oracle.ours import Ours
from .oracle.script import Script, some_script

SCRIPTS = 200
_SECONDS_A_STEP = (2.0, 3.0, 5.0)
"""Real time for each of a script's twelve acts; slower where the machine was too busy for a faster one."""


def found_differences(seed: int, number: int, folder: Path) -> tuple[list[str], int]:
    """What differs in so many random scripts, and how often somebody learnt something."""
    chance = random.Random(seed)
    scripts = [some_script(f"s{place}", chance) for place in range(number)]
    ours = {script.name: Ours(script, folder / script.name).live() for script in scripts}
    theirs = believed(scripts, folder, _SECONDS_A_STEP)
    # Because what came late under load is in time when it is asked again, and a real difference stays.
    if suspects := [one for one in scripts if differences(one, ours[one.name], theirs[one.name])]:
        theirs |= believed(suspects, folder, _SECONDS_A_STEP[1:])
    found = [one for script in scripts for one in differences(script, ours[script.name], theirs[script.name])]
    return found, sum(changes(story) for story in ours.values())


def believed(
    scripts: Sequence[Script], folder: Path, seconds_a_step: Sequence[float]
) -> dict[str, list[Believed]]:
    """What Alertmanager's receivers believe, in as much time as the machine needs."""
    for seconds in seconds_a_step:
        try:
            return believed_by_theirs(scripts, folder, seconds)
        except TooLate as late:
            print(f"{seconds:g} s a step were too short {late}")  # noqa: T201 because it explains the time
    raise AssertionError("the machine is too busy for a program that knows only real time")


def changes(story: Sequence[Believed]) -> int:
    """How often what is believed changed."""
    return sum(len(before ^ after) for before, after in pairwise(story))


@pytest.mark.alone
@pytest.mark.timeout(300)
@pytest.mark.skipif(PROGRAM is None, reason="Debian's prometheus-alertmanager is not installed")
def test_what_is_told_is_what_alertmanager_tells(tmp_path: Path) -> None:
    """In 200 random scripts of fires, ends, silences, inhibition and routes each receiver believes the same
    after each step, but for the ends of what was told, which only we tell when they are muted.
    """
    seed = random.SystemRandom().randrange(2**32)
    print(f"seed {seed}")  # noqa: T201 because a failure has to be repeatable
    found, learnt = found_differences(seed, SCRIPTS, tmp_path)
    assert found == []
    assert learnt > 5 * SCRIPTS


if __name__ == "__main__":
    for _ in range(0, int(sys.argv[1]), SCRIPTS):
        first = random.SystemRandom().randrange(2**32)
        with tempfile.TemporaryDirectory() as name:
            print(f"seed {first}:", *found_differences(first, SCRIPTS, Path(name)), flush=True)  # noqa: T201
