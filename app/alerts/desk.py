"""What operators do: each act is written as a fact, read at once, and answered with what it led to."""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

from ..core.clock import Clock, parse_rfc3339, rfc3339
from ..core.database import Database
from ..core.errors import Conflict, InputRejected, NotFound, Unavailable
from ..core.signal import Signal
from ..core.together import Together
from . import queue, store, watch
from .canary import tried
from .channels import Channel
from .facts import Acknowledged, Ended, Fact, Observed, Silenced, Unsilenced, observed, printable
from .ledger import Ledger
from .matching import check_matchers
from .model import Alert, Silence, State, Step
from .report import alert_document, one_document
from .source import AlertSource

_TEXT = 2_000
_TRIES = 50
_STEPS = 1_000
_LONGEST_SILENCE = timedelta(days=366)
_T = TypeVar("_T", Alert, Silence)


class Desk:
    """Where acts come in; all of them are durable when they are answered."""

    def __init__(
        self, source: AlertSource, ledger: Ledger, database: Database, folder: Path, clock: Clock
    ) -> None:
        self._source = source
        self._ledger = ledger
        self._database = database
        self._folder = folder
        self._clock = clock
        self._raised_together = Together(self._raise_all)

    def raise_now(self, signal: Signal) -> dict[str, Any]:
        """The document of the alert that the signal began or repeated."""
        return self._raised_together(observed(signal, self._clock.now(), self._source.redact))

    def resolve(self, alert_id: str, by: str, reason: str) -> dict[str, Any]:
        """NotFound, or Conflict when it is over already."""
        self._require_active(alert_id)
        fact = Ended(self._clock.now(), alert_id, self._clean(by), self._clean(reason))
        return self._document(self._done(fact, _by_id(alert_id), lambda alert: not alert.is_active))

    def acknowledge(self, alert_id: str, by: str, reason: str) -> dict[str, Any]:
        """NotFound, or Conflict when it is over already."""
        self._require_active(alert_id)
        fact = Acknowledged(self._clock.now(), alert_id, self._clean(by), self._clean(reason))
        return self._document(
            self._done(fact, _by_id(alert_id), lambda alert: alert.state is not State.FIRING)
        )

    def add_silence(
        self,
        matchers: Mapping[str, str],
        ends_at: str | None,
        minutes: float | None,
        by: str,
        comment: str,
        *,
        until_resolved: bool = False,
    ) -> dict[str, Any]:
        """InputRejected when it matches nothing that alerts have, or has no end within a year.

        `until_resolved`: it ends when what it is about is over, in a year at the latest.
        """
        check_matchers(matchers)
        now = self._clock.now()
        if until_resolved and ends_at is None and minutes is None:
            minutes = _LONGEST_SILENCE.total_seconds() / 60
        fact = Silenced(
            at=now,
            silence_id=secrets.token_hex(4),
            matchers={name: printable(pattern, _TEXT) for name, pattern in matchers.items()},
            ends_at=_end(now, ends_at, minutes),
            by=self._clean(by),
            comment=self._clean(comment),
            until_resolved=until_resolved,
        )
        return self._done(fact, lambda c: store.silence(c, fact.silence_id), lambda _: True).document()

    def end_silence(self, silence_id: str, by: str) -> dict[str, Any]:
        """NotFound when there is none that has not ended."""
        now = self._clock.now()
        with self._database.read() as connection:
            found = store.silence(connection, silence_id)
        if found is None or found.ends_at <= now:
            raise NotFound(f"there is no silence {printable(silence_id, 40)!r} that has not ended")
        fact = Unsilenced(now, silence_id, self._clean(by))
        return self._done(
            fact, lambda c: store.silence(c, silence_id), lambda silence: silence.ends_at <= now
        ).document()

    def test(self, channels: Collection[Channel], by: str) -> dict[str, Any]:
        """A real message through every channel, now, and how each did."""
        now = self._clock.now()
        trials = tried(channels, now)
        with self._database.write() as connection:
            for trial in trials:
                step = Step("tested", trial.error, self._clean(by), trial.channel)
                store.record(connection, "", now, step)
        results = [trial.document() for trial in trials]
        return {"ok": bool(results) and all(result["ok"] for result in results), "channels": results}

    def alert(self, alert_id: str) -> dict[str, Any]:
        """One alert with its history and its notices; NotFound when there is none."""
        with self._database.read() as connection:
            found = store.by_id(connection, alert_id)
            if found is None:
                raise NotFound(f"there is no alert {printable(alert_id, 40)!r}")
            return one_document(
                found,
                store.silences(connection, self._clock.now()),
                store.history(connection, _STEPS, 1 << 62, alert_id),
                queue.of_alert(connection, alert_id),
                watch.untold(connection, self._clock.now(), alert_id),
            )

    def _done(
        self, fact: Fact, find: Callable[[sqlite3.Connection], _T | None], is_done: Callable[[_T], bool]
    ) -> _T:
        """Write the fact and read until it shows, because another worker may be reading just now."""
        if not self._source.write(fact):
            raise _unwritten()
        for _ in range(_TRIES):
            self._ledger.fold(self._folder)
            with self._database.read() as connection:
                found = find(connection)
            if found is not None and is_done(found):
                return found
        raise _unread()

    def _raise_all(self, raised: Sequence[Observed]) -> list[dict[str, Any]]:
        """The documents of what was raised at the same time, after one write and one commit."""
        # Because it is read here, nobody else has to be woken to read it.
        if not self._source.journal.append_all(raised):
            raise _unwritten()
        for _ in range(_TRIES):
            self._ledger.fold(self._folder)
            with self._database.read() as connection:
                found = [store.newest(connection, seen.fingerprint) for seen in raised]
                alerts = [a for a, seen in zip(found, raised, strict=True) if a and a.seen_at >= seen.at]
                if len(alerts) == len(raised):
                    return self._documents(connection, alerts)
        raise _unread()

    def _require_active(self, alert_id: str) -> None:
        self._ledger.fold(self._folder)
        with self._database.read() as connection:
            alert = store.by_id(connection, alert_id)
        if alert is None:
            raise NotFound(f"there is no alert {printable(alert_id, 40)!r}")
        if alert.resolved_at is not None:
            raise Conflict(f"the alert is over since {rfc3339(alert.resolved_at)}")

    def _document(self, alert: Alert) -> dict[str, Any]:
        with self._database.read() as connection:
            return self._documents(connection, [alert])[0]

    def _documents(self, connection: sqlite3.Connection, alerts: Sequence[Alert]) -> list[dict[str, Any]]:
        now = self._clock.now()
        silences = store.silences(connection, now)
        return [alert_document(alert, silences, watch.untold(connection, now, alert.id)) for alert in alerts]

    def _clean(self, text: str) -> str:
        return self._source.redact(printable(text, _TEXT))


def _unwritten() -> Unavailable:
    return Unavailable(
        "the alerts journal cannot be written: it is kept in memory only",
        "See whether the disk of the log folder is full or read-only.",
    )


def _unread() -> Unavailable:
    return Unavailable("the act is written, but was not read yet", "Look again in a moment.")


def _by_id(alert_id: str) -> Callable[[sqlite3.Connection], Alert | None]:
    return lambda connection: store.by_id(connection, alert_id)


def _end(now: datetime, ends_at: str | None, minutes: float | None) -> datetime:
    if (ends_at is None) == (minutes is None):
        raise InputRejected("a silence needs one end", "Give either ends_at (RFC 3339) or minutes.")
    if minutes is not None:
        end = now + timedelta(minutes=min(max(minutes, 0), 1e6))
    else:
        try:
            end = parse_rfc3339(str(ends_at))
        except ValueError:
            raise InputRejected(
                "ends_at is no time with a zone", "Write it like 2026-11-23T18:00:00-03:00."
            ) from None
    if not now < end <= now + _LONGEST_SILENCE:
        raise InputRejected("a silence ends in the future, within a year")
    return end
