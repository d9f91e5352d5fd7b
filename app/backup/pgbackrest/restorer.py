"""Brings a whole server back, into a data folder of its own: nothing that runs is touched."""

from __future__ import annotations

import os
import secrets
import shlex
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from ...core.accounts import owner_of
from ...core.clock import Clock
from ...core.errors import Conflict, InputRejected, Unavailable
from ...core.guard import guard
from ..builds import of_major
from ..contents import Contents
from ..estimate import expected
from ..model import Backup, OnShare
from ..records import document
from ..restorer import Wish
from .parts import Parts
from .points import Point, see
from .program import GoOn, share_of

_ROOM = 1.05
_ETC = Path("/etc/postgresql")
_PORT = 5433
_NO_TARGET = (
    "If its log says that recovery ended before the target, nobody wrote after that time: take --latest."
)
_NO_ARCHIVE = (
    "archive_mode is off in its postgresql.auto.conf, so that it does not write into the archive of the "
    "other: remove that line when it takes the other's place."
)


@dataclass(frozen=True, slots=True)
class Place:
    """A folder to restore into: `is_taken` when there are data of a server, then kept as `former`."""

    folder: Path
    is_taken: bool
    former: Path


class FolderRestorer:
    """Restores backups of one stanza."""

    def __init__(self, parts: Parts, seconds: float, clock: Clock, go_on: GoOn) -> None:
        self._parts = parts
        self._seconds = seconds
        self._clock = clock
        self._go_on = go_on

    def plan(self, backup: Backup, wish: Wish, contents: Contents) -> dict[str, Any]:
        """What restore() would find and do; changes nothing."""
        point, place = self._point(backup, wish), self._place(backup, wish)
        seconds = expected(backup, contents.backups)
        user = self._parts.program.user
        steps = [
            f"restore {backup.id} ({backup.raw_bytes:,} bytes) into {place.folder}, as the user {user}",
            f"leave it to its start to recover to {point.told}",
        ]
        if place.is_taken:
            steps.insert(0, f"keep what is in {place.folder} as {place.former}")
        return {
            "backup": document(backup),
            "into": str(place.folder),
            "exists": place.is_taken,
            "point_in_time": point.told,
            "expected_seconds": seconds.seconds,
            "expected_from": seconds.basis,
            "steps": steps,
        }

    def restore(self, backup: Backup, wish: Wish, on_share: OnShare) -> dict[str, Any]:
        """Do it; whatever fails, a folder that was there is as it was."""
        began = time.monotonic()
        point, place = self._point(backup, wish), self._place(backup, wish)
        if place.is_taken and not wish.replace:
            raise Conflict(
                f"{place.folder} is not empty", "Name another folder, or allow to replace this one."
            )
        with _made(place, self._parts):
            self._fill(point, place.folder, on_share)
        return {
            "backup_id": backup.id,
            "into": str(place.folder),
            "point_in_time": point.told,
            "former": str(place.former) if place.is_taken else None,
            "start": self._start(backup, place.folder),
            "notes": list(_notes(point, place)),
            "seconds": round(time.monotonic() - began, 3),
        }

    def reach(self, *, fresh: bool) -> datetime | None:
        """When the newest piece of log was archived; None where that cannot be known."""
        archiver = self._parts.archiving.standing(fresh=fresh).archiver
        if archiver is not None and archiver.last_archived_at is not None:
            return archiver.last_archived_at
        stanza = self._parts.program.stanza
        if stanza.repo_folder is None:
            return None
        pieces = (stanza.repo_folder / "archive" / stanza.name).glob("*/*/0*-*")
        with suppress(OSError, ValueError):
            return datetime.fromtimestamp(
                max(piece.stat().st_mtime for piece in pieces), self._clock.now().tzinfo
            )
        return None

    def _point(self, backup: Backup, wish: Wish) -> Point:
        if wish.tables or wish.roles:
            raise InputRejected(
                "a whole server is restored as a whole, with its roles", "Copy what you need from there."
            )
        point = Point(
            backup, wish.at, wish.latest, self.reach(fresh=True) if wish.at or wish.latest else None
        )
        see(point, self._clock.now())
        return point

    def _place(self, backup: Backup, wish: Wish) -> Place:
        path, account = Path(wish.into).expanduser(), self._parts.program.account
        folder = path.parent.resolve() / path.name
        if not folder.parent.is_dir():
            raise InputRejected(f"there is no folder {folder.parent}", "Make it, for the owner of the data.")
        if not account.reaches(folder.parent):
            hint = "Name one on its way, like one beside the server's own data."
            raise InputRejected(f"the account of uid {account.uid} cannot reach {folder.parent}", hint)
        former = folder.with_name(f"{folder.name}.before_{secrets.token_hex(4)}")
        place = Place(folder, _is_taken(folder, account.uid, replace=wish.replace), former)
        free, needed = shutil.disk_usage(folder.parent).free, int(backup.raw_bytes * _ROOM)
        if free < needed:
            raise Unavailable(
                f"there is no room for it: {folder.parent} has {free:,} bytes left, it needs {needed:,}",
                "Name a folder on a larger disk.",
            )
        return place

    def _fill(self, point: Point, folder: Path, on_share: OnShare) -> None:
        physical = point.backup.physical
        assert physical is not None
        self._parts.program.run(
            "restore",
            f"--set={point.backup.id}",
            f"--repo={physical.repo}",
            f"--pg1-path={folder}",
            "--reset-pg1-host",
            "--archive-mode=off",
            *point.options,
            "--reset-link-map",
            "--no-link-all",
            "--reset-tablespace-map",
            f"--tablespace-map-all={folder}.tablespaces",
            "--no-delta",
            seconds=self._seconds,
            go_on=self._go_on,
            on_line=lambda line: on_share(share_of(line) or 0.0),
        )

    def _start(self, backup: Backup, folder: Path) -> str:
        """The command that starts it beside the other one."""
        major = backup.source.server_major
        build = next(iter(of_major(major)), None)
        options = [f"port={_PORT}"]
        if not (folder / "postgresql.conf").exists():
            found = self._configuration(major)
            hint = f"-c config_file={found or '/etc/postgresql/…/postgresql.conf'} -c data_directory={folder}"
            options = [*hint.removeprefix("-c ").split(" -c "), "external_pid_file=", *options]
        command = [
            *(["sudo", "-u", self._parts.program.user] if os.geteuid() == 0 else []),
            str(build.folder / "bin" / "pg_ctl") if build else "pg_ctl",
            f"--pgdata={folder}",
            f"--log={folder / 'server.log'}",
            f"--options={' '.join(f'-c {option}' for option in options)}",
            "start",
        ]
        return shlex.join(command)

    def _configuration(self, major: int) -> Path | None:
        """Debian keeps it apart: that of the cluster whose data folder the stanza names."""
        data = str(self._parts.program.stanza.data_folder)
        for path in _ETC.glob(f"{major}/*/postgresql.conf"):
            with suppress(OSError):
                if data in path.read_text(encoding="utf-8", errors="replace"):
                    return path
        return None


def _notes(point: Point, place: Place) -> Iterator[str]:
    yield _NO_ARCHIVE
    if point.at:
        yield _NO_TARGET
    if point.latest and place.is_taken:
        yield (
            f"What was written last may not be in the archive: copy the files of {place.former}/pg_wal into "
            f"{place.folder}/pg_wal before the start, and it is not lost."
        )


def _is_taken(folder: Path, uid: int, *, replace: bool) -> bool:
    """Whether there are data of a server; InputRejected for what is none of those, nor an empty folder."""
    if not folder.exists() and not folder.is_symlink():
        return False
    if folder.is_symlink() or not folder.is_dir():
        raise InputRejected(f"{folder} is no folder", "Name one that is not there yet.")
    if not any(folder.iterdir()):
        if (owner := owner_of(folder).uid) not in {uid, os.geteuid()}:
            raise InputRejected(
                f"{folder} belongs to uid {owner}, not to {uid}", "Give it to the data's owner."
            )
        return False
    if not replace:
        raise Conflict(
            f"{folder} is not empty", "Name another folder, or allow to replace this one (--replace)."
        )
    if not (folder / "PG_VERSION").exists():
        raise InputRejected(f"{folder} holds no data of PostgreSQL", "Only such a folder can be replaced.")
    with suppress(OSError, ValueError, IndexError):
        pid = int((folder / "postmaster.pid").read_text().split()[0])
        if Path(f"/proc/{pid}/cwd").samefile(folder):
            raise Conflict(f"a PostgreSQL runs on {folder} (pid {pid})", "Stop it first.")
    return True


@contextmanager
def _made(place: Place, parts: Parts) -> Iterator[None]:
    """An empty folder in that place; when the block fails, all is as it was before."""
    if place.is_taken:
        place.folder.rename(place.former)
    try:
        was_there = place.folder.exists()
        parts.program.account.claim(place.folder)
        yield
    except BaseException:
        with guard("backup.restore"):
            shutil.rmtree(place.folder, ignore_errors=True)
            if place.is_taken:
                place.former.rename(place.folder)
            elif was_there:
                parts.program.account.claim(place.folder)
        raise
