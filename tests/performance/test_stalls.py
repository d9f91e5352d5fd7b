from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import uvloop

from app.performance.stalls import LoopMeter
from app.testing import FrozenClock, wait_until

PATIENCE = 0.3
loops = pytest.mark.parametrize("make", [asyncio.new_event_loop, uvloop.new_event_loop])
MakeLoop = Callable[[], asyncio.AbstractEventLoop]


@contextmanager
def running(make: MakeLoop) -> Iterator[asyncio.AbstractEventLoop]:
    """A loop that runs in a thread of its own."""
    loop = make()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield loop
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


@contextmanager
def watched(loop: asyncio.AbstractEventLoop) -> Iterator[LoopMeter]:
    meter = LoopMeter(FrozenClock(), PATIENCE)
    meter.start(loop)
    wait_until(lambda: len(meter._lateness) > 1, what="the first beats")
    try:
        yield meter
    finally:
        meter.stop()


def block_for_real(seconds: float) -> None:
    time.sleep(seconds)


def last_stall(meter: LoopMeter) -> dict[str, Any]:
    wait_until(lambda: meter.reading()["stalls"], what="the stall")
    found: dict[str, Any] = meter.reading()["last_stall"]
    return found


@loops
def test_a_blocking_line_is_found_with_its_length(make: MakeLoop) -> None:
    """What blocked is named while and after it blocks, under asyncio and uvloop alike."""
    with running(make) as loop, watched(loop) as meter:
        loop.call_soon_threadsafe(block_for_real, 0.8)
        wait_until(lambda: meter.reading()["blocked_now"], what="the block")
        stall = last_stall(meter)
        assert 0.6 <= stall["seconds"] < 5.0
        assert stall["where"].endswith(" block_for_real")
        assert "tests/performance/test_stalls.py" in stall["where"]
        assert meter.reading()["worst_ms"] >= 600
        assert not meter.reading()["blocked_now"]


def test_a_block_is_seen_before_it_ends() -> None:
    """An endless block is told too, with its length so far."""
    release = threading.Event()
    with running(asyncio.new_event_loop) as loop, watched(loop) as meter:
        loop.call_soon_threadsafe(release.wait)
        wait_until(lambda: meter.reading()["last_stall"], what="the stack of the block")
        reading = meter.reading()
        assert reading["blocked_now"]
        assert reading["blocked_seconds"] >= PATIENCE
        assert reading["stalls"] == 0
        assert any(place.endswith(" wait") for place in reading["last_stall"]["stack"])
        release.set()
        last_stall(meter)


def test_a_loop_that_waits_is_not_blocked() -> None:
    """Sleeping without blocking is no lateness."""
    with running(asyncio.new_event_loop) as loop, watched(loop) as meter:
        asyncio.run_coroutine_threadsafe(asyncio.sleep(2 * PATIENCE), loop).result()
        assert meter.reading()["stalls"] == 0


def test_a_loop_that_nobody_runs_is_not_blocked() -> None:
    """A loop that stops and runs again later was not late meanwhile."""
    loop = asyncio.new_event_loop()
    meter = LoopMeter(FrozenClock(), PATIENCE)
    loop.run_until_complete(asyncio.sleep(0))
    meter.start(loop)
    loop.run_until_complete(asyncio.sleep(0.25))
    wait_until(lambda: meter._due > time.monotonic() + 1_000, what="the watchdog's notice")
    loop.run_until_complete(asyncio.sleep(0.25))
    assert meter.reading()["stalls"] == 0
    assert not meter.reading()["blocked_now"]
    meter.stop()
    loop.close()


def test_it_survives_a_loop_that_is_closed() -> None:
    """Reading and stopping work whatever became of the loop."""
    with running(asyncio.new_event_loop) as loop:
        meter = LoopMeter(FrozenClock(), PATIENCE)
        meter.start(loop)
        wait_until(lambda: meter._lateness, what="a beat")
    assert meter.reading()["watched"]
    meter.stop()
    assert meter.reading() == {"watched": False}


def test_it_leaves_no_thread_behind() -> None:
    """Started and stopped again and again."""
    with running(asyncio.new_event_loop) as loop:
        before = threading.active_count()
        for _ in range(3):
            with watched(loop):
                pass
        assert threading.active_count() == before


def test_watching_costs_less_than_half_a_percent_of_a_core() -> None:
    """CPU time of the whole process while the loop idles; the best of three, as others share the machine."""

    def share(seconds: float = 1.0) -> float:
        began = time.process_time()
        threading.Event().wait(seconds)
        return (time.process_time() - began) / seconds

    with running(asyncio.new_event_loop) as loop, watched(loop):
        assert any(share() < 0.005 for _ in range(3))
