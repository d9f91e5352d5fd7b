from __future__ import annotations

import threading
import time

import pytest

from app.core.health import Level
from app.performance.deadline import Bounded, Deadline
from app.performance.model import Reading
from app.testing import wait_until


@pytest.fixture
def release() -> threading.Event:
    return threading.Event()


def hanging_until(release: threading.Event) -> Reading:
    release.wait()
    return Reading()


def test_what_is_in_time_is_answered() -> None:
    """The check's own reading comes back."""
    reading = Reading(details={"latency_ms": 1})
    assert Deadline("test", 5).run(lambda: reading) is reading


def test_what_is_late_is_not_waited_for(release: threading.Event) -> None:
    """The caller goes on, with a reason."""
    deadline = Deadline("test", 0.1)
    began = time.monotonic()
    reading = deadline.run(lambda: hanging_until(release))
    assert time.monotonic() - began < 2
    assert (reading.level, reading.reason) == (Level.DOWN, "no answer within 0.1 s")
    release.set()


def test_there_is_one_stuck_thread_at_most(release: threading.Event) -> None:
    """Until it ends, further checks are refused at once; then they run again."""
    deadline = Deadline("test", 0.1)
    deadline.run(lambda: hanging_until(release))
    threads = threading.active_count()
    for _ in range(5):
        assert deadline.run(Reading).reason == "an earlier check still waits for an answer"
    assert threading.active_count() == threads
    release.set()
    wait_until(lambda: not deadline.stuck, what="the end of the stuck check")
    assert deadline.run(Reading).level is Level.OK


def test_a_check_that_raises_is_down() -> None:
    """And the caller does not notice."""

    def failing() -> Reading:
        raise ZeroDivisionError

    assert Deadline("test", 1).run(failing).reason == "the check itself failed"


def test_somebodys_own_probe_is_held_to_its_deadline(release: threading.Event) -> None:
    """A custom probe cannot hold up the others."""

    class Hanging:
        name = "queue"
        deadline_seconds = 0.1

        def sample(self) -> Reading:
            return hanging_until(release)

    assert Bounded(Hanging()).sample().level is Level.DOWN
    release.set()
