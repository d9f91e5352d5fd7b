"""A drill: a backup is restored into a throw-away server, and what is there then compared with its source."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from ..core.accounts import unprivileged
from ..core.errors import AtalaiaError, Unavailable
from ..core.files import write_whole
from ..core.postgres_scratch import find_place, give_way, sweep
from ..core.postgres_wheel import reachable
from .archive import ArchiveReader, reading
from .builds import Build, builds, fitting
from .client import Client
from .comparison import compare
from .model import Backup, CalledOff, Damaged, Lacking, OnShare, RestoreFailed, Stopped
from .outcome import Drill, Outcome
from .pour import widen
from .rehearsal import Rehearsal, is_of_the_scratch, plan_rehearsal
from .scratch import DATABASE, Scratch, scratch
from .verify import listing_of
from .watching import see_room, watched

_RESTORED_SHARE = 0.8
_LOCKS_PER_ENTRY = 4
_OPTIONS = (
    "--format=custom",
    "--single-transaction",  # Because what is made and filled in one needs no write-ahead log.
    "--no-owner",
    "--no-privileges",
    "--no-tablespaces",
)


@dataclass(frozen=True, slots=True)
class Limits:
    """What a drill may take: its `folder` for the scratch server, and how long.

    `second_dump`: where nobody looked at the source, the scratch may be dumped again instead.
    `others_bytes`: so many are still to be written by others, perhaps to the same disk.
    """

    folder: Path
    seconds: float
    second_dump: bool = True
    others_bytes: int = 0


def drill(
    backup: Backup, path: Path, limits: Limits, now: datetime, go_on: Callable[[], None], on_share: OnShare
) -> Drill:
    """Restore the file at `path` and tell what came of it; Stopped or CalledOff, when `go_on` raises that.

    1. A server is chosen that is new enough and has the extensions; the disk is looked at.
    2. It is started, with the source's roles and an empty database like the source.
    3. pg_restore fills that, ending at its first error.
    4. What is in it is found out in the way it was found out from the source, and compared.
    The server is ended and removed, whatever happens.
    """
    began = time.monotonic()
    rehearsing = Rehearsing(backup, path, lambda: reading(path), limits, go_on, on_share)
    try:
        rehearsing.do()
        outcome, reason = rehearsing.judged()
    except (Stopped, CalledOff):
        raise
    except (RestoreFailed, Damaged) as error:
        outcome, reason = Outcome.FAILED, error.fact
    except (AtalaiaError, OSError, subprocess.SubprocessError) as error:
        outcome, reason = Outcome.NOT_DRILLABLE, getattr(error, "fact", str(error))
    return told_of(rehearsing, outcome, reason, time.monotonic() - began, now)


def told_of(rehearsing: Rehearsing, outcome: Outcome, reason: str, seconds: float, now: datetime) -> Drill:
    """What is put down of it."""
    return Drill(
        outcome=outcome,
        at=now,
        seconds=round(seconds, 3),
        reason=reason,
        restore_seconds=rehearsing.restore_seconds,
        server_version=rehearsing.server_version,
        differences=rehearsing.differences,
        notes=rehearsing.notes,
        compared=rehearsing.compared,
    )


class Rehearsing:
    """One backup on its way through one scratch server after the other, until one can take it."""

    def __init__(
        self,
        backup: Backup,
        path: Path,
        archive: Callable[[], AbstractContextManager[ArchiveReader]],
        limits: Limits,
        go_on: Callable[[], None],
        on_share: OnShare,
        *,
        known: Callable[[], None] = lambda: None,
        waited: Callable[[], float] = lambda: 0.0,
        gives_way: Callable[[], bool] = lambda: False,
    ) -> None:
        """`path` is where its file stands once it is whole, `archive` opens it from the begin.

        For a backup that is still being made: `known` waits until `self.backup` is all of it, `waited`
        tells for how many seconds its file was waited for, and `gives_way` whether the dump goes first.
        """
        self.backup = backup
        self._path = path
        self._archive = archive
        self._known = known
        self._waited = waited
        self._gives_way = gives_way
        self._limits = limits
        self._go_on = go_on
        self._on_share = on_share
        self.server_version = ""
        self.restore_seconds: float | None = None
        self.differences: tuple[str, ...] = ()
        self.notes: tuple[str, ...] = ()
        self.compared = ""

    def do(self) -> None:
        """NotDrillable, RestoreFailed, Damaged; Unavailable and OSError when a server does not run."""
        found = builds()
        reader = fitting(found, at_least=self.backup.client_major, extensions=())[0]
        with self._archive() as archive:
            plan = plan_rehearsal(listing_of(archive, reader.tools))
        sweep(self._limits.folder)
        place = find_place(self._limits.folder)
        see_room(place, self.backup.source.size_bytes, self._limits.others_bytes)
        able = fitting(found, at_least=self.backup.client_major, extensions=plan.extensions)
        for build in able:
            try:
                self._do_in(build, place, plan)
            except Lacking:
                if build is able[-1]:
                    raise
            else:
                return

    def judged(self) -> tuple[Outcome, str]:
        """What it comes to, and why it is no more than that."""
        if self.differences:
            return Outcome.FAILED, f"it is not what its source was: {self.differences[0]}"
        if not self.compared:
            return Outcome.RESTORED, self.backup.without_truth or "there is nothing to compare it with"
        return Outcome.PROVEN, ""

    def _do_in(self, build: Build, place: Path, plan: Rehearsal) -> None:
        self.server_version = build.version
        server = _reachable(build, place)
        locks = plan.entries * _LOCKS_PER_ENTRY
        with (
            scratch(build, server, place, seconds=self._limits.seconds, locks=locks) as made,
            watched(made, place, self._look),
        ):
            self.notes = tuple(f"left out: {what}" for what in plan.left_out)
            self.notes += made.make_database(self.backup.source)
            began, waited = time.monotonic(), self._waited()
            self._fill(made, plan)
            self.restore_seconds = round(time.monotonic() - began - (self._waited() - waited), 3)
            self._known()
            self._compare(made)
        self._on_share(1.0)

    def _look(self, made: Scratch) -> None:
        self._go_on()
        give_way(made.data, to_all=self._gives_way())

    def _compare(self, made: Scratch) -> None:
        found = compare(made, self.backup, self._path, may_dump=self._limits.second_dump)
        self.compared, self.differences = found.with_what, found.differences
        self.notes += found.notes

    def _fill(self, made: Scratch, plan: Rehearsal) -> None:
        if plan.by_superuser:
            self._restore(made.superuser, made, plan.by_superuser, lambda _: None)
            made.give_away()
        if plan.by_role:
            self._restore(made.role, made, plan.by_role, self._follow)

    def _follow(self, read_bytes: int) -> None:
        if size_bytes := self.backup.size_bytes:
            self._on_share(min(read_bytes / size_bytes, 1.0) * _RESTORED_SHARE)

    def _restore(self, client: Client, made: Scratch, only: str, on_read: Callable[[int], None]) -> None:
        pg_restore = client.tools(at_least=made.build.major).program("pg_restore")
        use_list = made.folder / "use.list"
        write_whole(use_list, only.encode(), durable=False)
        options = (*_OPTIONS, f"--use-list={use_list}")
        with (
            self._archive() as archive,
            client.run(
                pg_restore, *options, database=DATABASE, stdin=subprocess.PIPE, large_pieces=True
            ) as program,
        ):
            widen(program.stdin)
            # Because pg_restore leaves when it has what it wants, and says itself why it does not.
            with suppress(BrokenPipeError), program.stdin as pipe:
                for raw in archive.chunks():
                    pipe.write(raw)
                    on_read(archive.read_bytes)
            try:
                program.finish()
            except Unavailable as error:
                client.go_on()
                raise _meaning(error) from error


def _reachable(build: Build, place: Path) -> Path:
    if not build.is_ours:
        return build.folder
    return reachable(build.folder, unprivileged(), place, f"{build.folder.parent.name}-{build.folder.name}")


def _meaning(error: Unavailable) -> AtalaiaError:
    if is_of_the_scratch(error.fact):
        return Lacking(f"the scratch server cannot take it: {error.fact}", error.hint)
    return RestoreFailed(error.fact, error.hint)
