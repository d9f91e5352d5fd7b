"""The names of the files of a write-ahead log, from one place to another."""

from __future__ import annotations

_LOG_BYTES = 1 << 32


def place(lsn: str) -> int:
    """16/B374D848 as the number of a byte."""
    high, low = lsn.split("/")
    return (int(high, 16) << 32) + int(low, 16)


def segments(first: str, last: int, segment_bytes: int) -> list[str]:
    """From the file called `first` to the one with the byte `last`, on the same timeline."""
    timeline, per_log = first[:8], _LOG_BYTES // segment_bytes
    begin = int(first[8:16], 16) * per_log + int(first[16:24], 16)
    numbers = range(begin, max(last // segment_bytes, begin) + 1)
    return [f"{timeline}{number // per_log:08X}{number % per_log:08X}" for number in numbers]


def following(segment: str, segment_bytes: int) -> str:
    """The one after it."""
    per_log = _LOG_BYTES // segment_bytes
    number = int(segment[8:16], 16) * per_log + int(segment[16:24], 16) + 1
    return f"{segment[:8]}{number // per_log:08X}{number % per_log:08X}"
