from __future__ import annotations

import sys
from types import FrameType

from app.logs.callsite import CallSites


class Encoder:
    """Counts what it encodes."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, module: str, function: str, line: int) -> bytes:
        self.calls += 1
        return f"{module} {function} {line}".encode()


def frame_here() -> FrameType:
    return sys._getframe()


def test_a_place_is_module_function_and_line():
    """The place is that of the frame, as a record of the standard library names it."""
    place = CallSites(Encoder()).place(frame_here()).decode()
    assert place.startswith("test_callsite frame_here ")


def test_a_place_is_encoded_once():
    """A call in a loop is encoded at its first time."""
    encoder = Encoder()
    sites = CallSites(encoder)
    places = {sites.place(sys._getframe()) for _ in range(100)}
    assert (len(places), encoder.calls) == (1, 1)


def test_code_that_is_gone_leaves_no_place_behind():
    """Of ten thousand functions that come and go at the same addresses, each has its own place."""
    sites = CallSites(Encoder())
    scope = {"frame": sys._getframe}
    for number in range(10_000):
        exec(f"def f{number}(): return frame()", scope)
        assert sites.place(scope.pop(f"f{number}")()).split()[1] == b"f%d" % number
    assert len(sites._known) <= 4_096
