"""What costs the same for one and for many is done for all who ask at the same time."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from app.core.together import Together
from app.testing import wait_until


class Interrupted(Exception):
    """A signal came."""


def with_many(call: Callable[[int], object], number: int) -> list[object]:
    """What each of so many threads gets."""
    with ThreadPoolExecutor(number) as pool:
        return list(pool.map(call, range(number)))


def test_everybody_gets_the_answer_to_their_own_question() -> None:
    """However they are put together."""
    squares = Together(lambda asked: [number * number for number in asked])
    assert with_many(lambda n: [squares(n * 100 + k) for k in range(50)], 16) == [
        [(n * 100 + k) ** 2 for k in range(50)] for n in range(16)
    ]


def test_who_comes_while_it_is_busy_shares_the_next_turn() -> None:
    """Ten threads make two turns: that of the first one, and one of all others."""
    turns, go_on = list[list[int]](), threading.Event()

    def work(asked: Sequence[int]) -> Sequence[int]:
        turns.append(list(asked))
        assert go_on.wait(30)
        return asked

    together = Together(work)
    threads = [threading.Thread(target=together, args=(number,)) for number in range(10)]
    threads[0].start()
    wait_until(lambda: len(turns) == 1, what="the first turn")
    for thread in threads[1:]:
        thread.start()
    wait_until(lambda: len(together._waiting) == 9, what="nine who wait")
    go_on.set()
    for thread in threads:
        thread.join(30)
    assert [len(turn) for turn in turns] == [1, 9]


def test_what_goes_wrong_is_told_to_all_of_the_turn_and_to_nobody_else() -> None:
    """The next turn is done as if nothing had happened."""

    def work(asked: Sequence[int]) -> Sequence[int]:
        if 13 in asked:
            raise LookupError("thirteen")
        return asked

    together = Together(work)
    with pytest.raises(LookupError, match="thirteen"):
        together(13)
    assert together(14) == 14


def test_who_is_interrupted_while_it_waits_is_handed_no_turn() -> None:
    """Others would wait for it for ever."""
    began, go_on = threading.Event(), threading.Event()

    def work(asked: Sequence[int]) -> Sequence[int]:
        began.set()
        assert go_on.wait(30)
        return asked

    def interrupt(*_: object) -> None:
        raise Interrupted

    together = Together(work)
    busy = threading.Thread(target=together, args=(1,))
    busy.start()
    assert began.wait(30)
    before, main = signal.signal(signal.SIGUSR1, interrupt), threading.get_ident()

    def interrupt_main() -> None:
        wait_until(lambda: len(together._waiting) == 1, what="somebody who waits")
        signal.pthread_kill(main, signal.SIGUSR1)

    interrupting = threading.Thread(target=interrupt_main)
    interrupting.start()
    with pytest.raises(Interrupted):
        together(2)
    go_on.set()
    for thread in (busy, interrupting):
        thread.join(30)
    signal.signal(signal.SIGUSR1, before)
    assert together(3) == 3
