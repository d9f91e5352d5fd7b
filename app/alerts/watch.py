"""What keeps notices back just now, as the alerts file knows it: inhibitors, what flaps, silences."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence
from datetime import datetime

from ..core.clock import rfc3339
from . import flapping, store
from .holding import Untold, held_of
from .matching import field_of, matches
from .model import Alert
from .overlays import Circumstances, Inhibitor
from .plan import InhibitRule
from .policy import Policy
from .records import read, select


def circumstances(connection: sqlite3.Connection, policy: Policy, now: datetime) -> Circumstances:
    """Everything that a notice can be held back by now."""
    quiet_until = policy.quiet_until(now)
    return Circumstances(
        silences=store.silences(connection, now),
        maintenance=policy.windows(now),
        inhibitors=_inhibitors(connection, policy.inhibit),
        flapping=_flapping(connection),
        quiet_until=quiet_until,
        quiet_severities=policy.quiet_hours.severities if policy.quiet_hours else (),
    )


def untold(connection: sqlite3.Connection, now: datetime, alert_id: str | None = None) -> Untold:
    """What is not told just now, of one alert or of all that are active."""
    since = {fingerprint: rfc3339(at) for fingerprint, at in _flapping(connection).items()}
    return Untold(since, held_of(store.decisions(connection, alert_id), now))


def keep_inhibitor(
    connection: sqlite3.Connection, rules: Sequence[InhibitRule], before: Alert | None, alert: Alert
) -> bool:
    """Remember what an alert explains while it fires; True when it has just ceased to explain something."""
    known, explains = _explained(rules, before) if before else {}, _explained(rules, alert)
    for name in known.keys() - explains:
        connection.execute("delete from inhibitor where alert_id = ? and rule = ?", (alert.id, name))
    for name, equal in explains.items() - known.items():
        connection.execute("insert or replace into inhibitor values (?, ?, ?)", (alert.id, name, equal))
    return bool(known.keys() - explains)


def changed(connection: sqlite3.Connection, fingerprint: str, at: datetime) -> datetime | None:
    """Count a beginning or an end of a condition; since when it flaps, None when it does not."""
    row = connection.execute("select * from flap where fingerprint = ?", (fingerprint,)).fetchone()
    changes = [*_moments(row["changes"] if row else "[]"), at][-flapping.CHANGES_KEPT :]
    since = datetime.fromisoformat(row["since"]) if row and row["since"] else None
    if flapping.flaps(changes, at, did=since is not None):
        since = since or at
    connection.execute(
        "insert or replace into flap (fingerprint, changes, changed_at, since, settles_at)"
        " values (?, ?, ?, ?, ?)",
        (
            fingerprint,
            json.dumps([rfc3339(change) for change in changes]),
            rfc3339(at),
            *([rfc3339(since), rfc3339(flapping.settles_at(changes))] if since else [None, None]),
        ),
    )
    return since


def settled(connection: sqlite3.Connection, now: datetime) -> list[str]:
    """The fingerprints that have just ceased to flap."""
    due = (rfc3339(now),)
    rows = connection.execute("select fingerprint from flap where settles_at <= ?", due).fetchall()
    connection.execute("update flap set since = null, settles_at = null where settles_at <= ?", due)
    return [row["fingerprint"] for row in rows]


def _flapping(connection: sqlite3.Connection) -> dict[str, datetime]:
    rows = connection.execute("select fingerprint, since from flap where since is not null")
    return {row["fingerprint"]: datetime.fromisoformat(row["since"]) for row in rows}


def _explained(rules: Iterable[InhibitRule], alert: Alert) -> dict[str, str]:
    """The rules by which an alert explains others, with what those have to agree in, as JSON."""
    return {
        rule.name: json.dumps({name: field_of(alert, name) for name in rule.equal})
        for rule in rules
        if alert.is_active and matches(rule.source, alert)
    }


def _inhibitors(connection: sqlite3.Connection, rules: Iterable[InhibitRule]) -> list[Inhibitor]:
    by_name = {rule.name: rule for rule in rules}
    rows = connection.execute(
        select(Alert, ", rule, equal from inhibitor join alert on alert.id = inhibitor.alert_id")
    )
    return [_inhibitor(by_name[row["rule"]], row) for row in rows if row["rule"] in by_name]


def _inhibitor(rule: InhibitRule, row: sqlite3.Row) -> Inhibitor:
    cause = read(Alert, row)
    is_target = matches(rule.target, cause)
    return Inhibitor(rule.name, cause.id, rule.target, json.loads(row["equal"]), rule.source, is_target)


def _moments(text: str) -> list[datetime]:
    return [datetime.fromisoformat(moment) for moment in json.loads(text)]
