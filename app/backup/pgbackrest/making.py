"""The commands of pgBackRest that a run is made of."""

from __future__ import annotations

from datetime import timedelta

from ...core.clock import Clock
from ...core.errors import AtalaiaError, Unavailable
from ..settings import BackupSettings
from .following import Following, watched
from .moment import Moment
from .parts import Parts
from .program import GoOn
from .verification import Verification, parse_verification
from .witness import find_moment

_LABEL = "INFO: new backup label = "
_INSTANT_SECONDS = 20.0
_SLACK = timedelta(hours=12)  # because two backups of two days may begin a little less than 24 hours apart


class Maker:
    """Of one stanza; who asks it holds the turn."""

    def __init__(self, parts: Parts, settings: BackupSettings, clock: Clock) -> None:
        self._parts = parts
        self._settings = settings
        self._clock = clock

    def back_up(self, following: Following, type_: str) -> str:
        """The label of a new backup, which nobody has read yet; `type_`: what was asked for, if anything."""
        type_ = type_ or self._type(following.running.reason)
        lines = self._parts.program.run(
            "backup",
            f"--type={type_}",
            "--no-expire-auto",  # because nothing is to go before the new one is known to be sound
            seconds=self._settings.timeout_seconds,
            go_on=following.go_on,
            on_line=following.on_line,
        )
        labels = [line.partition(_LABEL)[2] for line in lines if _LABEL in line]
        if not labels:
            raise Unavailable("pgbackrest backup told no label", "See its log.")
        return labels[-1].strip()

    def witness(self, following: Following) -> tuple[Moment | None, str]:
        """What the source was after the backup, and the log up to there in the archive; or why not."""
        clients, truth = self._parts.clients, self._settings.truth
        if clients is None:
            return None, "DATABASE_URL is not set: nobody reads its source"
        if truth != "snapshot":
            return None, f"BACKUP_TRUTH={truth}: nobody reads its source"
        try:
            with clients.open() as client, watched(client, following.go_on):
                moment = find_moment(
                    client,
                    server_major=self._parts.repository.listing().server_major,
                    seconds=_INSTANT_SECONDS,
                    lock_wait_seconds=self._settings.lock_wait_seconds,
                )
            self._parts.program.run("check", seconds=self._settings.timeout_seconds, go_on=following.go_on)
        except AtalaiaError as error:
            following.go_on()
            # Because a backup with which nothing can be compared is still a backup.
            return None, f"its source could not be read: {error.fact}".splitlines()[0]
        return moment, ""

    def verify(self, go_on: GoOn) -> Verification:
        """What is found when all of the repository is read."""
        words = self._parts.program.run(
            "verify",
            "--output=text",
            "--verbose",
            seconds=self._settings.timeout_seconds,
            go_on=go_on,
        )
        return parse_verification("\n".join(words))

    def expire(self, *options: str, go_on: GoOn) -> list[str]:
        """Have pgBackRest drop what it keeps no longer; its log."""
        seconds = self._settings.timeout_seconds
        return self._parts.program.run("expire", *options, seconds=seconds, go_on=go_on)

    def _type(self, reason: str) -> str:
        """A full one when the last is too old; else as the settings say for whoever asked."""
        asked, now = self._parts.settings, self._clock.now()
        full = [one for one in self._parts.repository.listing().backups if one.physical.type == "full"]
        if not full or now - full[-1].started_at >= timedelta(days=asked.full_days) - _SLACK:
            return "full"
        return asked.daily if reason in {"first", "scheduled", "catch-up", "retry"} else asked.manual
