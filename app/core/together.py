"""Does for all who ask at the same time what costs the same for one: a commit, a look at a disk."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from .bell import Bell

_Asked = TypeVar("_Asked")
_Answer = TypeVar("_Answer")

_LONGEST_SECONDS = threading.TIMEOUT_MAX


class Together(Generic[_Asked, _Answer]):
    """`work` gets what was asked while it was last busy, and returns an answer for each, in order.

    One of the threads that ask does it for all of them and then leaves the next turn to one of those who
    came meanwhile, so that nobody works for others longer than once. What `work` raises, all of its turn get.
    """

    def __init__(self, work: Callable[[Sequence[_Asked]], Sequence[_Answer]]) -> None:
        self._work = work
        self._lock = threading.Lock()
        self._waiting: list[_Turn[_Asked, _Answer]] = []
        self._busy = False

    def __call__(self, asked: _Asked) -> _Answer:
        """The answer, once a turn that began after the question has ended."""
        turn: _Turn[_Asked, _Answer] = _Turn(asked)
        with self._lock:
            self._waiting.append(turn)
            leads, self._busy = not self._busy, True
        if not leads:
            self._wait(turn)
        if not turn.over:
            self._take_turn()
        return turn.result()

    def _wait(self, turn: _Turn[_Asked, _Answer]) -> None:
        try:
            turn.bell.wait(_LONGEST_SECONDS)
        except BaseException:
            # Because a signal may interrupt the main thread, which then must not be handed the next turn.
            with self._lock:
                self._waiting = [waiting for waiting in self._waiting if waiting is not turn]
                is_next = turn.bell.wait(0) and not turn.over
            if is_next:
                self._hand_over()
            raise

    def _take_turn(self) -> None:
        with self._lock:
            turns, self._waiting = self._waiting, []
        try:
            for turn, answer in zip(turns, self._work([turn.asked for turn in turns]), strict=True):
                turn.answers.append(answer)
        except BaseException as error:
            for turn in turns:
                turn.error = error
            raise
        finally:
            for turn in turns:
                turn.over = True
                turn.bell.ring()
            self._hand_over()

    def _hand_over(self) -> None:
        with self._lock:
            self._busy = bool(self._waiting)
            if self._waiting:
                self._waiting[0].bell.ring()


class _Turn(Generic[_Asked, _Answer]):
    """What one thread asked, and what became of it."""

    __slots__ = ("answers", "asked", "bell", "error", "over")

    def __init__(self, asked: _Asked) -> None:
        self.asked, self.bell, self.over = asked, Bell(), False
        self.answers: list[_Answer] = []
        self.error: BaseException | None = None

    def result(self) -> _Answer:
        if self.error is not None:
            raise self.error
        return self.answers[0]
