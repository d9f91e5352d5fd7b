"""What a channel knows of a condition, and what is still owed to it."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from datetime import datetime

from . import store
from .entries import Entry
from .model import Alert, Kind, Told
from .overlays import Hold, gap
from .policy import Policy
from .records import save


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
    before = store.told(connection, entry.alert.fingerprint, channel)
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
