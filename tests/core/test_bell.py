"""A bell wakes one thread that waits."""

from __future__ import annotations

import threading

from app.core.bell import Bell


def test_what_was_rung_is_heard_once_by_the_next_wait() -> None:
    """However often it was rung before."""
    bell = Bell()
    assert not bell.wait(0)
    bell.ring()
    bell.ring()
    assert bell.wait(0)
    assert not bell.wait(0)


def test_ring_wakes_who_waits() -> None:
    """At once, long before its time is over."""
    bell, heard = Bell(), list[bool]()
    waiting = threading.Thread(target=lambda: heard.append(bell.wait(30)))
    waiting.start()
    bell.ring()
    waiting.join(10)
    assert heard == [True]


def test_many_may_ring_at_once() -> None:
    """And what was rung last is always heard."""
    bell = Bell()
    ringing = [threading.Thread(target=lambda: [bell.ring() for _ in range(2_000)]) for _ in range(4)]
    for thread in ringing:
        thread.start()
    while any(thread.is_alive() for thread in ringing):
        bell.wait(0.001)
    bell.ring()
    assert bell.wait(0)
