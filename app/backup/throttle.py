"""How fast a dump may be read: only by not reading can the server's part of the work be slowed down."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Throttle:
    """At most `bytes_per_second` (0: no limit) for the first `seconds`; then as fast as it goes.

    The limit ends because a snapshot that is held for long keeps the server from cleaning up.
    """

    bytes_per_second: int = 0
    seconds: float = 0.0

    def wait_seconds(self, done_bytes: int, after_seconds: float) -> float:
        """How long to wait when so many bytes were read in the seconds since the beginning."""
        if not self.bytes_per_second or after_seconds >= self.seconds:
            return 0.0
        too_early = done_bytes / self.bytes_per_second - after_seconds
        return max(min(too_early, self.seconds - after_seconds), 0.0)


UNLIMITED = Throttle()
