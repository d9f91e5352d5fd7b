"""What would keep a backup from being made or from being whole, known in under a second before it begins."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple

import msgspec

from ..core.errors import Unavailable
from .model import Backup, Concern, major

_SPARE = 1.1
_DRILL_ROOM = 1.3


class Ground(msgspec.Struct, frozen=True):
    """What was found; sizes in bytes. Of long lists the first five are named."""

    server_version: str
    database: str
    size_bytes: int
    role: str
    tables: int
    hidden_by_row_security: tuple[str, ...]
    unreadable: tuple[str, ...]
    unreadable_large_objects: int
    large_toasts: tuple[tuple[str, str, int], ...]
    extensions: tuple[str, ...]
    timeouts: dict[str, str]
    is_standby: bool
    standby_delay_ms: int
    standby_feedback: bool
    too_large: tuple[str, ...] = ()
    has_pooler: bool = False


@dataclass(frozen=True, slots=True)
class Means:
    """What there is here to do it with: the pg_dump, or why none; why no drill; free bytes of both disks."""

    client_version: str
    no_client: Unavailable | None
    no_drill: str
    free_bytes: int
    drill_free_bytes: int


class Level(StrEnum):
    """ERROR: the backup would fail or be partial, so it is not begun. WARNING: it is made all the same."""

    OK = "ok"
    WARNING = "warning"
    ERROR = "error"


class Finding(NamedTuple):
    """One thing that was looked at."""

    level: Level
    fact: str
    hint: str = ""


def findings(ground: Ground, means: Means, last: Backup | None) -> list[Finding]:
    """Everything in order; `last` is the last good backup of the database."""
    checks: tuple[Callable[[Ground, Means], Iterator[Finding]], ...] = (
        _versions,
        _content,
        _rights,
        _large_values,
        _session,
        _standby,
        _drill,
    )
    found = [finding for check in checks for finding in check(ground, means)]
    return [*found, *_room(means, last)]


def refuse(found: Sequence[Finding]) -> None:
    """Unavailable with the first error, if there is one."""
    for finding in found:
        if finding.level is Level.ERROR:
            raise Unavailable(finding.fact, finding.hint)


def concerns(found: Sequence[Finding]) -> tuple[Concern, ...]:
    """What a backup that is made all the same keeps of them."""
    return tuple(Concern(one.fact, one.hint) for one in found if one.level is Level.WARNING)


def told(found: Sequence[Finding]) -> dict[str, Any]:
    """The document of GET /production/backup/check."""
    levels = [one.level for one in found]
    return {
        "ok": Level.ERROR not in levels,
        "warnings": levels.count(Level.WARNING),
        "findings": [{"level": one.level.value, "fact": one.fact, "hint": one.hint} for one in found],
    }


def _versions(ground: Ground, means: Means) -> Iterator[Finding]:
    if means.no_client is not None:
        yield Finding(Level.ERROR, means.no_client.fact, means.no_client.hint)
        return
    yield Finding(Level.OK, f"PostgreSQL {ground.server_version} is dumped by pg_dump {means.client_version}")
    # Because pg_restore 17 says `SET transaction_timeout`, which no older server knows.
    if major(means.client_version) >= 17 > major(ground.server_version):
        yield Finding(
            Level.WARNING,
            f"no server older than 17 takes a dump of pg_dump {means.client_version} without an error",
            f"Install postgresql-client-{major(ground.server_version)}, which is chosen then.",
        )


def _content(ground: Ground, _: Means) -> Iterator[Finding]:
    if ground.tables:
        yield Finding(
            Level.OK, f"{ground.database!r} has {ground.tables} tables, {ground.size_bytes:,} bytes"
        )
    else:
        hint = "See whether DATABASE_URL names the right database."
        yield Finding(Level.WARNING, f"there is no table in {ground.database!r}", hint)


def _rights(ground: Ground, _: Means) -> Iterator[Finding]:
    role = ground.role
    if ground.unreadable:
        yield Finding(
            Level.ERROR,
            f"the role {role!r} may not read {_named(ground.unreadable)}",
            f"GRANT pg_read_all_data TO {role}.",
        )
    if ground.hidden_by_row_security:
        yield Finding(
            Level.ERROR,
            f"row security hides rows of {_named(ground.hidden_by_row_security)} from the role {role!r}",
            "Give the role BYPASSRLS: a dump under row security would silently be partial.",
        )
    if count := ground.unreadable_large_objects:
        many = "1,000 or more" if count >= 1000 else f"{count}"
        yield Finding(
            Level.ERROR,
            f"the role {role!r} may not read {many} large objects",
            "Make the role their owner, or a member of their owner: pg_read_all_data does not reach them.",
        )
    if not (ground.unreadable or ground.hidden_by_row_security or ground.unreadable_large_objects):
        yield Finding(Level.OK, f"the role {role!r} may read everything")


def _large_values(ground: Ground, _: Means) -> Iterator[Finding]:
    if ground.too_large:
        yield Finding(
            Level.WARNING,
            f"{_named(ground.too_large)} has a value beyond 500 MB",
            "pg_dump cannot dump a bytea beyond about 512 MB: keep such files as large objects.",
        )


def _session(ground: Ground, _: Means) -> Iterator[Finding]:
    if ground.timeouts:
        told = ", ".join(f"{name} = {value} ms" for name, value in ground.timeouts.items())
        yield Finding(Level.OK, f"{told} of the role is switched off for the backup's own sessions")
    if ground.has_pooler:
        yield Finding(
            Level.WARNING,
            "a pool of connections answers in the server's place",
            "Let DATABASE_URL lead to the server itself, or pg_dump's settings may stay in shared sessions.",
        )


def _standby(ground: Ground, _: Means) -> Iterator[Finding]:
    if ground.is_standby and ground.standby_delay_ms >= 0 and not ground.standby_feedback:
        yield Finding(
            Level.WARNING,
            f"the server is a standby that cancels long reads after {ground.standby_delay_ms / 1000:g} s",
            "Set hot_standby_feedback = on there, or back up the primary.",
        )


def _drill(ground: Ground, means: Means) -> Iterator[Finding]:
    if means.no_drill:
        yield Finding(
            Level.WARNING,
            f"it cannot be drilled here: {means.no_drill}",
            "Install Atalaia with its extra `drill`, or a PostgreSQL server package that has it.",
        )
    elif means.drill_free_bytes < ground.size_bytes * _DRILL_ROOM:
        yield Finding(
            Level.WARNING,
            f"no room for a drill: {means.drill_free_bytes:,} bytes are free, it takes {ground.size_bytes:,}",
            "Make room, or name a folder on a larger disk in BACKUP_DRILL_DIR.",
        )


def _room(means: Means, last: Backup | None) -> Iterator[Finding]:
    if last is not None and means.free_bytes < last.size_bytes * _SPARE:
        yield Finding(
            Level.ERROR,
            f"the disk has {means.free_bytes:,} bytes left, the last backup took {last.size_bytes:,}",
            "Make room for the folder of BACKUP_DIR, or lower BACKUP_RETENTION_DAYS.",
        )
    else:
        yield Finding(Level.OK, f"{means.free_bytes >> 20:,} MiB are free for the file")


def _named(names: Sequence[str]) -> str:
    return ", ".join(names)
