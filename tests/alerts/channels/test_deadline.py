"""A total deadline."""

from __future__ import annotations

import socket
import threading
import time

import pytest

from app.alerts.channels.deadline import Lifeline, within
from app.core.errors import DeliveryFailed
from app.core.guard import failures
from app.testing import wait_until


def test_result_is_handed_back() -> None:
    """And so is a failure of our own kind."""
    assert within(1, "work", lambda _: 42) == 42

    def fail(_: Lifeline) -> None:
        raise DeliveryFailed("no", permanent=True)

    with pytest.raises(DeliveryFailed) as caught:
        within(1, "work", fail)
    assert caught.value.permanent


def test_surprise_is_counted_and_a_failure() -> None:
    """A bug in a library is no reason for a thread to die."""

    def surprise(_: Lifeline) -> None:
        raise RuntimeError("secret")

    with pytest.raises(DeliveryFailed) as caught:
        within(1, "surprise", surprise)
    assert "secret" not in str(caught.value)
    assert failures.snapshot()["alerts.channels.surprise"].count == 1


def test_read_that_never_ends_is_ended() -> None:
    """Its socket is shut down, and the thread is gone soon after."""
    ours, theirs = socket.socketpair()
    ended = threading.Event()

    def read(lifeline: Lifeline) -> None:
        lifeline.keep(ours)
        while ours.recv(100):
            pass
        ended.set()

    began = time.monotonic()
    with pytest.raises(DeliveryFailed, match=r"work did not finish within 0\.2 s"):
        within(0.2, "work", read)
    assert time.monotonic() - began < 1
    wait_until(ended.is_set, what="the end of the read")
    ours.close()
    theirs.close()


def test_socket_that_comes_too_late_is_refused() -> None:
    """A name that took too long to look up leads to no late delivery."""
    ours, theirs = socket.socketpair()
    lifeline = Lifeline()
    lifeline.cut()
    with pytest.raises(TimeoutError):
        lifeline.keep(ours)
    assert theirs.recv(1) == b""
    theirs.close()
