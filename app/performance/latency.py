"""Durations as a histogram of 32 buckets an octave, which adds up over workers and over time.

A percentile is off by 1.6 % at most, because a bucket is at most 1/32 wide and its middle is told.
The 14 bounds of OpenTelemetry are edges too, so that counts below them are exact.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass, field
from math import ceil

OTEL_BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)
BUCKETS_AN_OCTAVE = 32
_OCTAVES = range(-16, 12)  # Because 15 µs is below every request, and 68 min above.
EDGES = tuple(
    sorted(
        {2.0**octave * (1 + part / BUCKETS_AN_OCTAVE) for octave in _OCTAVES for part in range(32)}
        | set(OTEL_BOUNDS)
    )
)
LONGEST = EDGES[-1]
_ENTRY_BYTES = 10


@dataclass(slots=True)
class Latency:
    """Counts per bucket; bucket i holds durations d with EDGES[i - 1] < d <= EDGES[i]."""

    counts: dict[int, int] = field(default_factory=dict)
    errors: int = 0
    nanoseconds: int = 0
    worst: float = 0.0

    def observe(self, seconds: float, failed: bool = False) -> None:
        """Count one duration; what is no duration counts as 0, what is longer than LONGEST as that."""
        if not 0.0 <= seconds <= LONGEST:
            seconds = LONGEST if seconds > LONGEST else 0.0
        bucket = bisect_left(EDGES, seconds)
        self.counts[bucket] = self.counts.get(bucket, 0) + 1
        self.nanoseconds += int(seconds * 1e9)
        if seconds > self.worst:  # noqa: PLR1730 because max() takes three times as long
            self.worst = seconds
        if failed:
            self.errors += 1

    def add(self, other: Latency) -> None:
        """Take in what another one counted."""
        for bucket, count in other.counts.items():
            self.counts[bucket] = self.counts.get(bucket, 0) + count
        self.errors += other.errors
        self.nanoseconds += other.nanoseconds
        self.worst = max(self.worst, other.worst)

    @property
    def count(self) -> int:
        return sum(self.counts.values())

    @property
    def seconds(self) -> float:
        """All durations together."""
        return self.nanoseconds / 1e9

    @property
    def error_percent(self) -> float:
        """Share of failed ones, 0 when there was none at all."""
        return 100.0 * self.errors / self.count if self.counts else 0.0

    def percentile(self, percent: float) -> float | None:
        """The duration in seconds that `percent` of all do not exceed (nearest rank); None when empty."""
        rank = max(1, ceil(self.count * percent / 100))
        for bucket in sorted(self.counts):
            rank -= self.counts[bucket]
            if rank <= 0:
                return min(_middle(bucket), self.worst)
        return None

    def at_most(self, bound: float) -> int:
        """How many took no longer than `bound` seconds; exact where `bound` is one of EDGES."""
        last = bisect_left(EDGES, bound)
        return sum(count for bucket, count in self.counts.items() if bucket <= last)

    def encode(self) -> bytes:
        """The counts, 10 bytes a bucket in use, for decode_counts() on the same machine."""
        buckets = sorted(self.counts)
        return array("H", buckets).tobytes() + array("Q", map(self.counts.__getitem__, buckets)).tobytes()


def decode_counts(encoded: bytes) -> dict[int, int]:
    """The counts that encode() wrote."""
    split = len(encoded) // _ENTRY_BYTES * 2
    buckets, counts = array("H"), array("Q")
    buckets.frombytes(encoded[:split])
    counts.frombytes(encoded[split:])
    return dict(zip(buckets, counts, strict=True))


def add_encoded(first: bytes, second: bytes) -> bytes:
    """The sum of two encoded histograms, encoded."""
    total = Latency(decode_counts(first))
    total.add(Latency(decode_counts(second)))
    return total.encode()


def merged(parts: Iterable[Latency]) -> Latency:
    """All of them in one."""
    total = Latency()
    for part in parts:
        total.add(part)
    return total


def _middle(bucket: int) -> float:
    return (EDGES[bucket] + (EDGES[bucket - 1] if bucket else 0.0)) / 2
