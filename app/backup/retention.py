"""Which backups go and which stay, and why: old ones go, while enough good ones are left.

Only followed after a run that succeeded. What is not in the list (foreign files, data without a
manifest) is not ours to delete. Each database is judged on its own.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from itertools import pairwise
from typing import Any

from ..core.clock import rfc3339
from .model import Backup, State

_TOLERANCE = timedelta(hours=26)
# Because a machine that is switched on once a week is no clock that was put ahead.
_LARGEST_STEP = timedelta(days=8)
_PERIODS = {"week": "%G-W%V", "month": "%Y-%m", "year": "%Y"}


@dataclass(frozen=True, slots=True)
class Policy:
    """What is kept; 0 switches a rule off. `at_least` stands above all others.

    `days`: younger ones stay. `weekly`, `monthly`, `yearly`: of so many of the newest weeks, months and
    years with a backup the last good one stays. `at_most` and `total_bytes` are limits, to which the
    oldest give way, also young ones and those of a week, a month or a year.
    """

    days: int = 30
    at_least: int = 7
    at_most: int = 0
    total_bytes: int = 0
    weekly: int = 0
    monthly: int = 0
    yearly: int = 0
    zone: tzinfo = UTC


@dataclass(frozen=True, slots=True)
class Judgement:
    """What becomes of one backup, and why."""

    backup: Backup
    goes: bool
    why: str


def expired(backups: Sequence[Backup], now: datetime, policy: Policy) -> list[Backup]:
    """Those that go, oldest first; none where the clock cannot be believed."""
    return [one.backup for one in reversed(judged(backups, now, policy)) if one.goes]


def judged(backups: Sequence[Backup], now: datetime, policy: Policy) -> list[Judgement]:
    """What becomes of each, newest first. Newest is told by the manifest's sequence and not by its time."""
    databases: dict[tuple[str, str], list[Backup]] = {}
    for backup in sorted(backups, key=lambda backup: backup.sequence):
        databases.setdefault((backup.kind, backup.source.database), []).append(backup)
    found = [one for oldest_first in databases.values() for one in _judged(oldest_first, now, policy)]
    return sorted(found, key=lambda one: -one.backup.sequence)


def told(judgements: Sequence[Judgement], policy: Policy, strays: Sequence[str]) -> dict[str, Any]:
    """The document of GET /production/backup/retention; `strays` are files that no manifest belongs to."""
    going = [one.backup for one in judgements if one.goes]
    return {
        "policy": {name: value for name, value in asdict(policy).items() if name != "zone"},
        "going": len(going),
        "going_bytes": sum(backup.size_bytes for backup in going),
        "backups": [_told(one) for one in judgements],
        "without_manifest": list(strays),
    }


def _told(one: Judgement) -> dict[str, Any]:
    backup = one.backup
    return {
        "id": backup.id,
        "database": backup.source.database,
        "state": backup.state.value,
        "started_at": rfc3339(backup.started_at),
        "size_bytes": backup.size_bytes,
        "goes": one.goes,
        "why": one.why,
    }


def _judged(oldest_first: Sequence[Backup], now: datetime, policy: Policy) -> Iterator[Judgement]:
    good = [backup for backup in oldest_first if backup.state.is_good]
    doubt = _doubt(good, now, policy.at_least) if good else "nothing good is left without it"
    if doubt:
        yield from (Judgement(backup, goes=False, why=doubt) for backup in oldest_first)
        return
    kept = _kept(oldest_first, good, now, policy)
    going = _going(oldest_first, kept, policy)
    safe = _safe(good, policy.at_least)
    for backup in oldest_first:
        if backup.id in safe:
            yield Judgement(
                backup, goes=False, why=f"one of the {policy.at_least} good ones that always stay"
            )
        elif backup.id in going:
            yield Judgement(backup, goes=True, why=going[backup.id])
        else:
            yield Judgement(backup, goes=False, why=kept[backup.id])


def _doubt(good: Sequence[Backup], now: datetime, at_least: int) -> str:
    """Why the clock is not believed, or nothing: it goes back, or far ahead and too few have confirmed it."""
    if now < good[-1].started_at - _TOLERANCE:
        return f"the clock stands before the newest backup, {good[-1].id}"
    times = [*(backup.started_at for backup in good[-max(at_least, 2) :]), now]
    steps = [later - earlier for earlier, later in pairwise(times)]
    if max(steps) > _LARGEST_STEP:
        days = max(steps) // timedelta(days=1)
        return f"{days} days passed between two backups: {max(at_least, 2)} good ones must confirm the clock"
    return ""


def _safe(good: Sequence[Backup], at_least: int) -> set[str]:
    """The newest good ones, so many as must stay: those that are proven before those that are not."""
    proven = [backup for backup in good if backup.state is State.PROVEN]
    others = [backup for backup in good if backup.state is not State.PROVEN]
    chosen = [*reversed(proven), *reversed(others)][: max(at_least, 1)]
    return {backup.id for backup in (*chosen, good[-1])}


def _kept(
    oldest_first: Sequence[Backup], good: Sequence[Backup], now: datetime, policy: Policy
) -> dict[str, str]:
    """Why each stays that is young, or the last of its week, month or year."""
    began = _believed(oldest_first, now)
    limit = now - timedelta(days=policy.days)
    kept = {one.id: f"younger than {policy.days} days" for one in oldest_first if began[one.id] >= limit}
    counts = {"week": policy.weekly, "month": policy.monthly, "year": policy.yearly}
    for period, count in counts.items():
        last = {began[one.id].astimezone(policy.zone).strftime(_PERIODS[period]): one.id for one in good}
        for name, backup_id in list(last.items())[-count:] if count else []:
            kept.setdefault(backup_id, f"the last good one of the {period} {name}")
    return kept


def _going(oldest_first: Sequence[Backup], kept: Mapping[str, str], policy: Policy) -> dict[str, str]:
    """Why each goes: nothing keeps it, or it is too much; what always stays is taken out later."""
    going = {one.id: f"older than {policy.days} days" for one in oldest_first if one.id not in kept}
    left = [one for one in oldest_first if one.id in kept]
    # Because what is not good is the first that can be spared.
    left.sort(key=lambda one: (one.state.is_good, one.sequence))
    count, size_bytes = len(left), sum(one.size_bytes for one in left)
    for one in left:
        if policy.at_most and count > policy.at_most:
            going[one.id] = f"more than {policy.at_most} are there"
        elif policy.total_bytes and size_bytes > policy.total_bytes:
            going[one.id] = f"all together take more than {policy.total_bytes:,} bytes"
        else:
            break
        count, size_bytes = count - 1, size_bytes - one.size_bytes
    return going


def _believed(oldest_first: Sequence[Backup], now: datetime) -> dict[str, datetime]:
    """When each began, as far as the times follow the sequence; else the time of the next that does.

    Because one backup that a wrong clock dated to the past or the future tells nothing of its age.
    """
    possible = [one for one in oldest_first if one.started_at <= now + _TOLERANCE]
    chain = _longest_rise([(one.started_at, one.id) for one in possible])
    believed: dict[str, datetime] = {}
    began = now
    for one in reversed(oldest_first):
        began = one.started_at if one.id in chain else began
        believed[one.id] = began
    return believed


def _longest_rise(times: Iterable[tuple[datetime, str]]) -> set[str]:
    """The ids of the longest part of the row whose times never fall (by patience sorting)."""
    ends: list[datetime] = []
    rows: list[tuple[str, ...]] = []
    for began, backup_id in times:
        place = bisect_right(ends, began)
        row = (*(rows[place - 1] if place else ()), backup_id)
        ends[place : place + 1] = [began]
        rows[place : place + 1] = [row]
    return set(rows[-1]) if rows else set()
