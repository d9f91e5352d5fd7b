"""A drill that follows the dump: what is written is restored at once, and compared when all is known."""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from ..core.errors import AtalaiaError, Unavailable
from ..core.guard import guard
from .drill import Limits, Rehearsing, told_of
from .following import Growth
from .model import Backup, CalledOff, OnShare, Stopped
from .outcome import Drill, Outcome
from .program import TOO_LATE

_LOOK_SECONDS = 0.2


class EarlyDrill:
    """A drill in a thread, of a backup that is still being made.

    It never costs the backup anything: it only reads what is written, gives way to the dump, and what it
    could not prove is for the ordinary drill to judge.
    """

    def __init__(
        self, begun: Backup, part: Path, path: Path, limits: Limits, go_on: Callable[[], None]
    ) -> None:
        """`part` becomes `path`. `begun`: what is known beforehand, all by the end of the dump."""
        self._seconds = limits.seconds
        self._go_on = go_on
        self._known, self._known_at = threading.Event(), 0.0
        self._share = 0.0
        self._why: AtalaiaError | None = None
        self._outcome: Outcome | None = None
        self._reason, self._worked_seconds = "", 0.0
        self.growth = Growth(part, self._see)
        self._began = time.monotonic()
        self._rehearsing = Rehearsing(
            begun,
            path,
            self.growth.reading,
            limits,
            self._see,
            self._on_share,
            known=self._wait_until_known,
            waited=lambda: self.growth.waited_seconds,
            gives_way=lambda: self.growth.is_growing,
        )
        self._thread = threading.Thread(target=self._drill, name="atalaia-early-drill", daemon=True)
        self._thread.start()

    def finish(self, backup: Backup, now: datetime, on_share: OnShare) -> Drill | None:
        """Compare with the backup as it is published; None when it is to be drilled once more after all.

        Raises what on_share raises, Stopped and CalledOff.
        """
        self._rehearsing.backup = backup
        self._known_at = time.monotonic()
        self._known.set()
        while self._thread.is_alive():
            self._thread.join(_LOOK_SECONDS)
            on_share(self._share)
        if isinstance(self._why, (Stopped, CalledOff)):
            raise self._why
        if self._outcome not in {Outcome.PROVEN, Outcome.RESTORED}:
            return None
        return told_of(self._rehearsing, self._outcome, self._reason, self._worked_seconds, now)

    def close(self) -> None:
        """End it, if it is still at it."""
        self.growth.give_up()
        self._thread.join()
        self.growth.close()

    def _drill(self) -> None:
        with guard("backup.early_drill"):
            try:
                self._rehearsing.do()
                self._outcome, self._reason = self._rehearsing.judged()
            except AtalaiaError as error:
                self._why = error
            except (OSError, subprocess.SubprocessError) as error:
                self._why = Unavailable(f"the drill met an error: {error}")
        self._worked_seconds = time.monotonic() - self._began - self.growth.waited_seconds

    def _wait_until_known(self) -> None:
        while not self._known.is_set():
            self.growth.wait(self._known)

    def _see(self) -> None:
        self._go_on()
        if self._known.is_set() and time.monotonic() - self._known_at > self._seconds:
            raise Unavailable(*TOO_LATE)

    def _on_share(self, share: float) -> None:
        self._share = share
