"""What a channel knows of a condition, and what is still owed to it."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from datetime import datetime

from ..core.clock import rfc3339
from .entries import Entry
from .model import Alert, Kind, Told
from .overlays import Hold, gap
from .policy import Policy
from .records import read, save, select


def told_of(connection: sqlite3.Connection, fingerprint: str, channel: str) -> Told:
    """What a channel knows of a fingerprint."""
    query = select(Told, "from told where fingerprint = ? and channel = ?")
    row = connection.execute(query, (fingerprint, channel)).fetchone()
    return read(Told, row) if row else Told(fingerprint, channel)


def of_channels(connection: sqlite3.Connection, fingerprint: str) -> list[Told]:
    """What every channel knows of a fingerprint."""
    query = select(Told, "from told where fingerprint = ?")
    return [read(Told, row) for row in connection.execute(query, (fingerprint,))]


def without_reminder(connection: sqlite3.Connection, fingerprint: str) -> list[Told]:
    """The same of those that were told of it, and where nothing is to be looked at again."""
    query = select(Told, "from told where fingerprint = ? and due_at is null and at is not null")
    return [read(Told, row) for row in connection.execute(query, (fingerprint,))]


def due(connection: sqlite3.Connection, now: datetime) -> list[Told]:
    """What is to be looked at again."""
    query = select(Told, "from told where due_at <= ?")
    return [read(Told, row) for row in connection.execute(query, (rfc3339(now),))]


def pass_over_known(connection: sqlite3.Connection, now: datetime) -> None:
    """Do not look again at what a channel has been told of, and that was not seen since."""
    connection.execute(
        "update told set due_at = null where due_at <= ? and owed = '' and not exists (select 1 from alert"
        " where alert.fingerprint = told.fingerprint and resolved_at is null"
        " and (alert.id != told.alert_id or alert.repeats > told.repeats))",
        (rfc3339(now),),
    )


def forget(connection: sqlite3.Connection, alert: Alert, channel: str) -> None:
    """The channel knows nothing of the episode after all."""
    connection.execute(
        "update told set at = null, alert_id = '', kind = ''"
        " where fingerprint = ? and channel = ? and alert_id = ?",
        (alert.fingerprint, channel, alert.id),
    )


def hurry_owed(connection: sqlite3.Connection, now: datetime) -> None:
    """Look again at everything that is owed, because a silence ended."""
    connection.execute("update told set due_at = ? where owed != ''", (rfc3339(now),))


def owe(
    connection: sqlite3.Connection, policy: Policy, alert: Alert, told: Told, held: Hold, now: datetime
) -> None:
    """While it fires, look at it again then, or when what holds it back has ended."""
    if held.is_for_good or not alert.is_active:
        return
    later = now + gap(alert, told, policy.cooldown)
    save(connection, replace(told, owed=held.why, due_at=held.until or later), told)


def keep(connection: sqlite3.Connection, policy: Policy, entry: Entry, channel: str, now: datetime) -> None:
    """The channel has delivered it."""
    before = told_of(connection, entry.alert.fingerprint, channel)
    save(connection, after(before, entry, policy, now), before)


def after(before: Told, entry: Entry, policy: Policy, now: datetime) -> Told:
    """What a channel knows after a delivery, from which its cooldown begins."""
    alert, kind = entry.alert, entry.kind
    if kind is Kind.RESOLVED or (kind is Kind.ACKNOWLEDGED and before.alert_id == alert.id):
        return replace(before, owed="", due_at=None, kind=kind)
    severity = alert.severity
    if (kind is Kind.FLAPPING and before.at is not None) or before.at == now:
        # Because neither a wave between two severities nor two episodes in one digest are a rise.
        severity = max(severity, before.severity, key=lambda severity: severity.rank)
    told = Told(
        fingerprint=alert.fingerprint,
        channel=before.channel,
        alert_id=alert.id,
        at=now,
        severity=severity,
        repeats=alert.repeats,
        reminders=before.reminders + 1 if kind is Kind.REMINDER else 0,
        kind=kind,
    )
    return replace(told, due_at=now + gap(alert, told, policy.cooldown)) if alert.is_active else told
