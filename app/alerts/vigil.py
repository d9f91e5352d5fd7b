"""What the leader does so that silence means that all is well: heartbeats, daily trials, refreshing."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import time
from zoneinfo import ZoneInfo

from ..core.clock import Clock
from ..core.database import Database
from ..core.errors import DeliveryFailed
from ..core.guard import guard
from ..core.health import Health, Level
from ..core.signal import Condition, Emit
from . import standing, store
from .canary import Trial, is_due, tried
from .channels import Channel
from .heartbeat import NAME, Heartbeat
from .lanes import offer
from .life import Downtime, Life
from .settings import AlertSettings
from .troubles import channel_failed, was_down


class Vigil:
    """Each of its verbs is one turn; the schedule says how often."""

    def __init__(
        self,
        settings: AlertSettings,
        database: Database,
        channels: Collection[Channel],
        emit: Emit,
        health: Callable[[], Health],
        clock: Clock,
    ) -> None:
        self._settings = settings
        self._database = database
        self._channels = channels
        self._emit = emit
        self._health = health
        self._clock = clock
        self._born = clock.now()
        self._life = Life(database, clock)
        self.absence: Downtime | None = None
        """When nobody was on watch before this process was, if that was announced."""
        url = settings.heartbeat_url
        self._heartbeat = Heartbeat(url) if url.get_secret_value() else None

    @property
    def is_on_watch(self) -> bool:
        """Whether this process leads, and has found out what was before it."""
        return self._life.has_begun

    def live(self) -> None:
        """Be on watch; the first time, announce since when nobody was."""
        if (gone := self._life.beat()) is not None:
            self.absence = gone
            self._emit(was_down(gone.since, gone.until))

    def end(self) -> None:
        """Go with a word."""
        with guard("alerts.life"):
            self._life.end()

    def ping(self) -> None:
        """Tell the watch outside how delivering does, and remember whether it listened."""
        if self._heartbeat is None:
            return
        health, now = self._health(), self._clock.now()
        try:
            self._heartbeat.beat("" if health.level is Level.OK else health.reason)
        except DeliveryFailed as error:
            with self._database.write() as connection:
                standing.failed(connection, NAME, error.fact, None, now, is_dead=False)
            return
        with self._database.write() as connection:
            standing.worked(connection, NAME, now)

    def try_channels(self) -> bool:
        """Try every channel when the time of day for it has come; whether it had."""
        mode, now = self._settings.canary, self._clock.now()
        with self._database.read() as connection:
            last = standing.last_tried(connection) or self._born
        at, zone = time.fromisoformat(self._settings.canary_time), ZoneInfo(self._settings.timezone or "UTC")
        if mode == "off" or not self._channels or not is_due(last, now, at, zone):
            return False
        for trial in tried(self._channels, now, mode):
            self._keep(trial)
        return True

    def refresh(self) -> None:
        """Give everything that fires to channels that have to hear it again and again."""
        wanting = [channel for channel in self._channels if offer(channel, "refresh") is not None]
        if not wanting:
            return
        with self._database.read() as connection:
            active = store.active(connection)
        for channel in wanting:
            with guard(f"alerts.refresh.{channel.name}"):
                offer(channel, "refresh")(active)

    def _keep(self, trial: Trial) -> None:
        with self._database.write() as connection:
            standing.tried(connection, trial.channel, trial.seconds, trial.error, self._clock.now())
            fails = standing.failures(connection, trial.channel) is not None
        if trial.error:
            self._emit(channel_failed(trial.channel, Condition.RAISED, trial.error))
        elif not fails:
            self._emit(channel_failed(trial.channel, Condition.CLEARED, "it works again"))
