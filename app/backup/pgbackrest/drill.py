"""A drill of a whole server: restored, recovered to an instant at which its source was read, and compared.

A backup of files has no snapshot. So after it was made its source is read as of an instant (witness.py), and
the throw-away server replays the log up to the place that belongs to it. Whether the two are the same to the
last transaction, the recovered server knows: it tells of each whether its commit was in the log up to there.
"""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from ...core.errors import AtalaiaError, Unavailable
from ...core.postgres_scratch import find_place, sweep
from ..builds import Build, of_major
from ..client import Client
from ..model import (
    Backup,
    CalledOff,
    Damaged,
    NotDrillable,
    OnShare,
    RestoreFailed,
    Stopped,
)
from ..outcome import Drill, Outcome
from ..questions import method_for
from ..sql import literal
from ..truth import shortened
from .moment import Moment
from .program import GoOn, PgBackRest
from .recovery import Recovered, Recovering, is_of_this_machine
from .witness import committed, databases, read_all

_ROOM = 1.1
_SPARE_BYTES = 256 << 20
_READ_SHARE = 0.9
# Transactions whose commit the log has up to the place, and which the snapshot did not show.
_EARLY = """
select count(*) from (
  select {snapshot}::pg_snapshot as moment, pg_snapshot_xmax(pg_current_snapshot())::text::int8 as following
) told, generate_series(
    greatest(pg_snapshot_xmin(moment)::text::int8, following - 1000000), following - 1) number
where not pg_visible_in_snapshot(number::text::xid8, moment)
  and pg_xact_status(number::text::xid8) = 'committed'
"""
# Only numbers go into the statements. An index whose texts are sorted otherwise here would only seem damaged.
_INDEXES = """
select 'select pg_catalog.bt_index_check(' || i.indexrelid || '::oid::regclass);'
from pg_index i join pg_class c on c.oid = i.indexrelid join pg_am a on a.oid = c.relam
where a.amname = 'btree' and c.relkind = 'i' and c.relpersistence = 'p' and i.indisvalid and i.indisready
  and not exists (select from unnest(i.indcollation) used (oid) join pg_collation l on l.oid = used.oid
    where l.collversion is distinct from pg_collation_actual_version(l.oid))
order by 1
"""
_CHECKER = "amcheck"


@dataclass(frozen=True, slots=True)
class Limits:
    """What a drill may take: its `folder` for the throw-away server, and how long."""

    folder: Path
    seconds: float


@dataclass(frozen=True, slots=True)
class Subject:
    """What is drilled: a backup, with the moment that it is compared with, or why there is none."""

    program: PgBackRest
    backup: Backup
    moment: Moment | None
    without: str


def drill(subject: Subject, limits: Limits, now: datetime, go_on: GoOn, on_share: OnShare) -> Drill:
    """Tell what came of it; Stopped or CalledOff, when `go_on` raises that."""
    began = time.monotonic()
    drilling = _Drilling(subject, limits, go_on, on_share)
    try:
        drilling.do()
        outcome, reason = drilling.judged()
    except (RestoreFailed, Damaged) as error:
        outcome, reason = Outcome.FAILED, error.fact
    except (Stopped, CalledOff):
        raise
    except (AtalaiaError, OSError, subprocess.SubprocessError) as error:
        outcome, reason = Outcome.NOT_DRILLABLE, getattr(error, "fact", str(error))
    return Drill(
        outcome=outcome,
        at=now,
        seconds=round(time.monotonic() - began, 3),
        reason=reason,
        restore_seconds=drilling.restore_seconds,
        server_version=drilling.server_version,
        differences=drilling.differences,
        notes=tuple(drilling.notes),
        compared="snapshot" if drilling.is_compared else "",
    )


class _Drilling:
    """One backup on its way through the throw-away server."""

    def __init__(self, subject: Subject, limits: Limits, go_on: GoOn, on_share: OnShare) -> None:
        self._subject = subject
        self._limits = limits
        self._go_on = go_on
        self._on_share = on_share
        self.server_version = ""
        self.restore_seconds: float | None = None
        self.differences: tuple[str, ...] = ()
        self.notes: list[str] = []
        self.is_compared = False
        self._blurred = 0

    def do(self) -> None:
        """NotDrillable, RestoreFailed; whatever `go_on` raises."""
        backup, moment = self._subject.backup, self._subject.moment
        build = fitting_build(backup, moment.extensions if moment else ())
        self.server_version = build.version
        sweep(self._limits.folder)
        folder = find_place(self._limits.folder)
        self._see_room(folder)
        recovering = Recovering(
            self._subject.program,
            backup,
            moment,
            build,
            folder,
            self._users(),
            self._limits.seconds,
            self._going_on(folder),
            self._on_share,
        )
        with recovering.recovered() as made:
            self.restore_seconds = made.restore_seconds
            self._read(made)
        self._on_share(1.0)

    def judged(self) -> tuple[Outcome, str]:
        """What it comes to, and why it is no more than that."""
        if self.differences:
            return Outcome.FAILED, f"it is not what its source was: {self.differences[0]}"
        moment = self._subject.moment
        if moment is None:
            return Outcome.RESTORED, self._subject.without or "there is nothing to compare it with"
        if self._blurred:
            return Outcome.RESTORED, (
                f"{self._blurred} transactions ended in the very instant that it is compared with"
            )
        if moment.unread:
            unread = "; ".join(f"{name}: {why}" for name, why in moment.unread.items())
            return Outcome.RESTORED, f"not all could be compared: {unread}"
        return Outcome.PROVEN, ""

    def _read(self, made: Recovered) -> None:
        """Every row of every table, and every index."""
        moment, client = self._subject.moment, made.client
        names = databases(client, beside="template1")
        method = moment.truth.method if moment else method_for(made.build.major)
        if moment is None:
            read_all(client, names, method)
        else:
            self._blurred = blurred(client, moment)
            found = read_all(client, [name for name in names if name not in moment.unread], method)
            read_all(client, [name for name in names if name in moment.unread], method)
            told = [] if self._blurred else moment.differences(found, names)
            self.differences, self.is_compared = shortened(told), not self._blurred
            self.notes += [f"not logged, so not in it: {name}" for name in moment.left_out]
        self._on_share(_READ_SHARE)
        self._check_indexes(made, names)

    def _check_indexes(self, made: Recovered, names: Sequence[str]) -> None:
        if _CHECKER not in made.build.extensions:
            self.notes.append(f"indexes were not checked: there is no extension {_CHECKER}")
            return
        if self._subject.program.stanza.data_folder is None:
            self.notes.append("indexes were not checked: another machine may sort texts otherwise")
            return
        for name in names:
            try:
                told = _broken_indexes(made.client, name)
            except Unavailable as error:
                made.client.go_on()
                told = []
                self.notes.append(f"indexes of {name} were not checked: {error.fact}")
            self.notes += [f"{name}: {one}" for one in told if is_of_this_machine(one)]
            broken = [f"{name}: {one}" for one in told if not is_of_this_machine(one)]
            self.differences = shortened([*self.differences, *broken])

    def _users(self) -> list[str]:
        moment, options = self._subject.moment, self._subject.program.stanza.options
        told = moment.superuser if moment else options.get("pg1-user", "")
        return [name for name in (told, self._subject.program.user, "postgres") if name]

    def _going_on(self, folder: Path) -> Callable[[], None]:
        until = time.monotonic() + self._limits.seconds

        def go_on() -> None:
            self._go_on()
            if time.monotonic() > until:
                raise NotDrillable("its time was over", "Raise BACKUP_DRILL_TIMEOUT_SECONDS.")
            if shutil.disk_usage(folder).free < _SPARE_BYTES:
                raise NotDrillable(f"there was no room for it: {folder} got full")

        return go_on

    def _see_room(self, folder: Path) -> None:
        needed = int(self._subject.backup.raw_bytes * _ROOM) + _SPARE_BYTES
        free = shutil.disk_usage(folder).free
        if free < needed:
            raise NotDrillable(
                f"there is no room for it: {folder} has {free} bytes left, and it needs about {needed}",
                "Make room, or name a larger disk in BACKUP_DRILL_DIR.",
            )


def fitting_build(backup: Backup, extensions: Sequence[str]) -> Build:
    """A server that can run it, with as many of the extensions as there are; NotDrillable without any."""
    wanted, version = frozenset(extensions), backup.source.server_major
    able = of_major(version)
    if not able:
        raise NotDrillable(
            f"there is no server of PostgreSQL {version} here, and no other version runs its files",
            f"Install the package postgresql-{version}.",
        )
    return min(able, key=lambda build: len(wanted - build.extensions))


def blurred(client: Client, moment: Moment) -> int:
    """How many transactions the recovered log and the snapshot tell otherwise."""
    early = int(client.ask(_EARLY.format(snapshot=literal(moment.snapshot))))
    return early + abs(moment.committed - int(client.ask(committed(moment.snapshot))))


def _broken_indexes(client: Client, database: str) -> list[str]:
    client.ask(f"create extension if not exists {_CHECKER} with schema pg_catalog", database=database)
    return client.try_each(client.ask(_INDEXES, database=database).splitlines(), database=database)
