"""The pages have threads of their own, and none is held without need."""

from __future__ import annotations

import asyncio
import threading

import anyio
import anyio.lowlevel
import pytest

from app.production.offload import Offload


def test_work_is_done_in_a_thread() -> None:
    """With its arguments, and its exceptions come back."""
    offload = Offload()

    def work(number: int, *, plus: int) -> tuple[int, bool]:
        return number + plus, threading.current_thread() is threading.main_thread()

    assert asyncio.run(offload(work, 1, plus=2)) == (3, False)
    with pytest.raises(ZeroDivisionError):
        asyncio.run(offload(lambda: 1 // 0))


def test_a_host_that_uses_up_its_threads_starves_nobody() -> None:
    """Ours are counted by themselves."""
    offload, enough = Offload(), threading.Event()

    async def starved() -> str:
        async with anyio.create_task_group() as group:
            for _ in range(60):
                group.start_soon(anyio.to_thread.run_sync, enough.wait)
            await anyio.lowlevel.checkpoint()
            answer = await offload(lambda: "answered")
            enough.set()
        return answer

    assert asyncio.run(starved()) == "answered"


def test_no_more_than_its_number_run_at_once() -> None:
    """The others wait."""
    offload, running, most = Offload(threads=2), [], []

    def work() -> None:
        running.append(1)
        most.append(len(running))
        threading.Event().wait(0.01)
        running.pop()

    async def many() -> None:
        async with anyio.create_task_group() as group:
            for _ in range(10):
                group.start_soon(offload, work)

    asyncio.run(many())
    assert max(most) <= 2


def test_the_first_part_is_made_before_the_answer_begins() -> None:
    """So that what is wrong can still be told."""
    with pytest.raises(ZeroDivisionError):
        asyncio.run(Offload().begun(bytes([1 // zero]) for zero in [0]))


def test_parts_come_one_by_one() -> None:
    """An empty one ends nothing."""

    async def collected() -> list[bytes]:
        return [part async for part in await Offload().begun(iter([b"a", b"", b"b"]))]

    assert asyncio.run(collected()) == [b"a", b"", b"b"]


def test_parts_that_nobody_wants_any_more_are_let_go() -> None:
    """As when the client leaves in the middle of a long export."""
    closed = []

    def parts():
        try:
            while True:
                yield b"x"
        finally:
            closed.append(True)

    async def left() -> None:
        stream = await Offload().begun(parts())
        async for _ in stream:
            break
        await stream.aclose()

    asyncio.run(left())
    assert closed == [True]
