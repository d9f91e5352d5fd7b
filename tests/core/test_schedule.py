"""Jobs run in threads, again after a failure, and once per host where that is asked for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.core.guard import failures
from app.core.leader import Leader
from app.core.schedule import Schedule
from app.testing import wait_until


@pytest.fixture
def leader(tmp_path: Path) -> Iterator[Leader]:
    leader = Leader(tmp_path / "leader")
    leader.start()
    yield leader
    leader.stop()


@pytest.fixture
def schedule(leader: Leader) -> Iterator[Schedule]:
    schedule = Schedule(leader)
    yield schedule
    schedule.stop()


def test_a_job_runs_at_once_and_again(schedule: Schedule) -> None:
    """It does not wait for its first interval."""
    runs: list[int] = []
    schedule.every(0.05, "count", lambda: runs.append(1))
    schedule.every(3600, "rare", lambda: runs.append(100))
    schedule.start()
    wait_until(lambda: runs.count(1) >= 3 and 100 in runs, what="the runs")
    assert schedule.jobs["count"].runs >= 2


def test_a_job_that_fails_is_counted_and_runs_again(schedule: Schedule) -> None:
    """Its failures are those of its place."""
    tries: list[int] = []

    def fail() -> None:
        tries.append(1)
        raise RuntimeError

    schedule.every(0.05, "failing", fail)
    schedule.start()
    wait_until(lambda: len(tries) >= 3, what="further tries")
    assert failures.snapshot()["job.failing"].count >= 2


def test_a_follower_leaves_the_leaders_jobs_alone(tmp_path: Path, leader: Leader) -> None:
    """Until it leads itself."""
    follower = Leader(tmp_path / "leader")
    follower.start()
    schedule = Schedule(follower)
    runs: list[str] = []
    schedule.every(0.05, "mine", lambda: runs.append("mine"))
    schedule.every(0.05, "ours", lambda: runs.append("ours"), for_leader=True)
    schedule.start()
    wait_until(lambda: runs.count("mine") >= 5, what="its own runs")
    assert "ours" not in runs
    leader.stop()
    wait_until(lambda: "ours" in runs, what="the hand-over")
    schedule.stop()
    follower.stop()
