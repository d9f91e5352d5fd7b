"""A total deadline for talking to somebody, kept although time-outs of libraries are for each read.

The work runs in a thread of its own. When its time is up, every socket that it gave into keeping is
shut down, so that nothing is delivered late, and the caller goes on; what cannot be interrupted
(a name that is being looked up) finds its next socket refused.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from typing import TypeVar

from ...core.errors import AtalaiaError, DeliveryFailed
from ...core.guard import guard

_T = TypeVar("_T")


class Lifeline:
    """The sockets of one delivery, which all end when it is cut.

    `handed_over`: all of the message was written, so that only the answer is missing.
    """

    def __init__(self) -> None:
        self.handed_over = False
        self._kept: list[socket.socket] = []
        self._is_cut = False
        self._lock = threading.Lock()

    def keep(self, connection: socket.socket) -> None:
        """Take a duplicate, which still names the connection when TLS has wrapped the original."""
        with self._lock:
            if self._is_cut:
                connection.close()
                raise TimeoutError("the deadline is over")
            self._kept.append(connection.dup())

    def cut(self) -> None:
        """End every connection; reads and writes under way return at once."""
        with self._lock:
            self._is_cut = True
            for kept in self._kept:
                with guard("alerts.deadline"), kept:
                    _shut(kept)
            self._kept.clear()

    def release(self) -> None:
        """The work has ended by itself."""
        with self._lock:
            for kept in self._kept:
                kept.close()
            self._kept.clear()


def within(seconds: float, who: str, work: Callable[[Lifeline], _T]) -> _T:
    """What `work` returns or raises; DeliveryFailed when that takes longer than `seconds`."""
    lifeline, ended = Lifeline(), threading.Event()
    results: list[_T] = []
    errors: list[AtalaiaError] = []

    def run() -> None:
        with guard(f"alerts.channels.{who}"):
            try:
                results.append(work(lifeline))
            except AtalaiaError as error:
                errors.append(error)
        lifeline.release()
        ended.set()

    threading.Thread(target=run, name=f"atalaia-{who}", daemon=True).start()
    if not ended.wait(seconds):
        lifeline.cut()
        raise DeliveryFailed(
            f"{who} did not finish within {seconds:g} s",
            "See whether the network reaches it.",
            uncertain=lifeline.handed_over,
        )
    if errors:
        raise errors[0]
    if not results:
        raise DeliveryFailed(
            f"{who} broke off", "The reason is among the internal failures of the status page."
        )
    return results[0]


def reason_of(error: object) -> str:
    """What the system said, without anything that a library may have put into the text of an error."""
    if isinstance(error, TimeoutError):
        return "no answer in time"
    return getattr(error, "strerror", None) or type(error).__name__


def _shut(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        return  # Because the other side may have ended it already.
