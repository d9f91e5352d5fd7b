"""Where in the code something happens: places as `orders/views.py:41 pay`, never any value."""

from __future__ import annotations

import sysconfig
from pathlib import PurePath
from types import FrameType

_DEEPEST = 200
_PATHS = sysconfig.get_paths()
_FOREIGN = tuple(f"{_PATHS[kind]}/" for kind in ("stdlib", "platstdlib", "purelib", "platlib"))


def application_place(frame: FrameType | None) -> str:
    """The innermost place that is neither the standard library's nor an installed package's, else ''."""
    for _ in range(_DEEPEST):
        if frame is None:
            return ""
        file = frame.f_code.co_filename
        if not file.startswith((*_FOREIGN, "<")):
            return place(frame)
        frame = frame.f_back
    return ""


def stack(frame: FrameType | None, most: int = 12) -> list[str]:
    """The innermost places, innermost first."""
    places: list[str] = []
    while frame is not None and len(places) < most:
        places.append(place(frame))
        frame = frame.f_back
    return places


def place(frame: FrameType) -> str:
    """The last three parts of the file, line and function of one frame."""
    file = "/".join(PurePath(frame.f_code.co_filename).parts[-3:]).lstrip("/")
    return f"{file}:{frame.f_lineno} {frame.f_code.co_name}"
