"""Where a call stands in the source: found in the stack, encoded once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import PurePath
from types import CodeType, FrameType

_MOST_SITES = 4_096


class CallSites:
    """The encoded place of each call that was seen; `encode` is given module, function and line."""

    def __init__(self, encode: Callable[[str, str, int], bytes]) -> None:
        self._encode = encode
        self._known: dict[int, tuple[CodeType, bytes]] = {}

    def place(self, frame: FrameType) -> bytes:
        """The encoded place at which a frame stands now."""
        code = frame.f_code
        # Because hashing a code object reads all of it: an instruction has an address of its own.
        key = id(code) + frame.f_lasti
        known = self._known.get(key)
        if known is not None and known[0] is code:
            return known[1]
        place = self._encode(PurePath(code.co_filename).stem, code.co_name, frame.f_lineno or 0)
        if len(self._known) >= _MOST_SITES:
            self._known.clear()
        self._known[key] = (code, place)
        return place
