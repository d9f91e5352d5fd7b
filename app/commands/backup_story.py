"""Backups as they are told to a person at a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from .printing import said

_HOUR = 3600
_FAILURES_SHOWN = 5


def status(document: Mapping[str, Any]) -> Iterable[str]:
    """What an operator asks first: is there a good one, how old, what runs, what failed, what is next."""
    yield from _last_good(document)
    yield from _now(document)
    yield from _kept(document)
    yield from _second_place(document["offsite"])
    for failure in document["failed"][:_FAILURES_SHOWN]:
        yield f"failed       {said(failure['failed_at'])} {failure['phase']}: {failure['fact']}"
        yield f"             {failure['hint']}"
    yield ""
    yield from catalogue(document["backups"])


def catalogue(backups: Iterable[Mapping[str, Any]]) -> Iterable[str]:
    """A line for each backup, newest first."""
    found = list(backups)
    width = max((len(one["id"]) for one in found), default=0)
    for one in found:
        copy = f"  copied to {one['second_copy']['place']}" if one.get("second_copy") else ""
        trouble = f"  {one['damage']}" if one.get("damage") else ""
        yield f"{one['id']:<{width}}  {one['state']:<8} {one['size_bytes']:>14,} bytes{copy}{trouble}"
    if not found:
        yield "no backups"


def run(document: Mapping[str, Any]) -> Iterable[str]:
    """What became of one run or backup: a backup, a failure, or how far it is."""
    if document["state"] == "failed":
        yield f"{document['id']}  failed while {document['phase']}: {document['fact']}"
        yield document["hint"]
    elif document["state"] == "running":
        yield f"{document['id']}  running: {document['phase']}, {document['percent']} %"
    else:
        yield from _backup(document)


def plan(document: Mapping[str, Any]) -> Iterable[str]:
    """What a restore would do, step by step, and how long it will take."""
    backup = document["backup"]
    yield f"{backup['id']}  {backup['state']}, as of {said(backup['started_at'])}"
    for number, step in enumerate(document["steps"], 1):
        yield f"{number}. {step}"
    if document.get("expected_seconds") is not None:
        yield f"This takes about {document['expected_seconds']:g} s ({document['expected_from']})."


def _last_good(document: Mapping[str, Any]) -> Iterable[str]:
    last = document["last_good"]
    if last is None:
        yield "last good    none" if document["configured"] else "last good    none: there is no database"
        return
    yield f"last good    {last['id']}, {last['state']}, {_age(last['age_seconds'])} ago"
    if restore := document["restore"]:
        yield f"restore      about {restore['seconds']:g} s ({restore['from']})"
    yield from (f"concern      {one['fact']}. {one['hint']}" for one in last["concerns"])
    yield from (f"shrunken     {one}" for one in last["shrunken"])


def _now(document: Mapping[str, Any]) -> Iterable[str]:
    running = document["running"]
    if running:
        yield f"running      {running['id']}: {running['phase']}, {running['percent']} %"
    if not document["next_due_at"]:
        return
    schedule = document["schedule"]
    daily = f"daily from {schedule['time']} {schedule['timezone']} on"
    yield f"next due     {said(document['next_due_at'])} ({daily})"


def _kept(document: Mapping[str, Any]) -> Iterable[str]:
    size, engine = f"{document['total_bytes']:,} bytes", document["engine"]
    if engine["name"] == "dump":
        days, least = document["retention_days"], document["keep_at_least"]
        yield f"kept         {size}, for {days} days, at least {least} backups"
        return
    rules = ", ".join(f"{name}={value}" for name, value in engine.get("retention", {}).items())
    yield f"kept         {size}, by pgBackRest: {rules or 'for ever'}"
    points = engine.get("points_in_time") or {}
    yield f"back to      any time from {said(points.get('from'))} to {said(points.get('to'))}"
    if trouble := engine.get("trouble") or engine.get("archiving", {}).get("fact"):
        yield f"trouble      {trouble}"


def _second_place(offsite: Mapping[str, Any] | None) -> Iterable[str]:
    if not offsite:
        yield "second copy  none: a fire takes all of them (BACKUP_OFFSITE_URL)"
        return
    yield f"second copy  {offsite['place']}"
    for name, value in offsite.items():
        if name != "place" and said(value) != "-":
            yield f"             {name.replace('_', ' ')}: {said(value)}"


def _backup(backup: Mapping[str, Any]) -> Iterable[str]:
    yield from catalogue([backup])
    took = f"{backup['duration_seconds']:g} s"
    what = (
        f"{physical['type']} of a server"
        if (physical := backup.get("physical"))
        else f"{backup['tables']} tables"
    )
    yield f"{what}, {backup['raw_bytes']:,} bytes before compression, made in {took}"
    if drill := backup.get("drill"):
        reason = f": {drill['reason']}" if drill["reason"] else f" in {drill['seconds']:g} s"
        yield f"drill: {drill['outcome']}{reason}"
        yield from (f"  {one}" for one in (*drill["differences"], *drill["notes"]))
    yield from (f"concern: {one['fact']}. {one['hint']}" for one in backup.get("concerns") or ())
    yield from (f"shrunken: {one}" for one in backup.get("shrunken") or ())


def _age(seconds: float) -> str:
    if seconds < 2 * _HOUR:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / _HOUR:.0f} h" if seconds < 48 * _HOUR else f"{seconds / _HOUR / 24:.0f} days"
