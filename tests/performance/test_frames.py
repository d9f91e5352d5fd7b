from __future__ import annotations

import json
import sys
from types import FrameType

from app.performance.frames import application_place, place, stack


class SeenFrames(json.JSONEncoder):
    """Keeps the frame that the standard library calls it from."""

    seen: FrameType | None = None

    def default(self, _: object) -> str:
        type(self).seen = sys._getframe().f_back
        return ""


def frame_inside_json() -> FrameType:
    json.dumps(object(), cls=SeenFrames)
    assert SeenFrames.seen is not None
    return SeenFrames.seen


def test_the_line_of_the_application_is_found_below_a_library() -> None:
    """The standard library's frames are passed over."""
    frame = frame_inside_json()
    assert "json/encoder.py:" in place(frame)
    assert application_place(frame).startswith("tests/performance/test_frames.py:")
    assert application_place(frame).endswith(" frame_inside_json")


def test_a_stack_is_bounded_and_begins_innermost() -> None:
    """Deep recursion is cut."""

    def deep(levels: int) -> list[str]:
        return deep(levels - 1) if levels else stack(sys._getframe())

    places = deep(50)
    assert len(places) == 12
    assert places[0].endswith(" deep")


def test_no_frame_is_no_place() -> None:
    """A thread that is gone has none."""
    assert application_place(None) == ""
    assert stack(None) == []
