"""The folder of the backups: a file and its manifest for each, and records of runs that failed."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from itertools import chain
from pathlib import Path
from typing import TypeVar

import msgspec

from ..core.command import COMMAND
from ..core.errors import AtalaiaError, Conflict, NotFound
from ..core.files import open_private, private_folder, sync_folder, write_whole
from .codec import CODECS
from .contents import Contents
from .manifest import sealed, unsealed
from .model import Backup, Damaged, Failure, Running, State, Unreadable, is_backup_id
from .records import document, failed
from .turn import Turn

PART, ROLES, SUMS = ".part", ".roles.sql", ".sha256"
_DATA = tuple(codec.suffix_of(kind) for kind in ("dump", "sqlite") for codec in CODECS.values())
_MANIFEST, _FAILED, _DELETED = ".json", ".failed.json", ".deleted"
_KEPT_FAILURES = 20

Record = TypeVar("Record", Failure, Running)


class Catalog:
    """Reading needs no lock; whoever writes holds a Turn."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._running = folder / ".running.json"
        self._cancel = folder / ".cancel"

    def turn(self) -> Turn:
        """The right to write; Conflict while another has it. Makes the folder if needed."""
        return Turn(private_folder(self.folder) / ".lock", self._running)

    @property
    def can_be_written(self) -> bool:
        """False where the folder is none, is not ours, or is on a disk that is read-only."""
        folder = self.folder
        return not folder.exists() or (folder.is_dir() and os.access(folder, os.R_OK | os.W_OK | os.X_OK))

    def path(self, backup_id: str, suffix: str = "") -> Path:
        """A file of one backup; without a suffix its data, whichever codec they are in."""
        if suffix:
            return self.folder / f"{backup_id}{suffix}"
        data = [self.folder / f"{backup_id}{suffix}" for suffix in _DATA]
        return next((path for path in data if path.exists()), data[0])

    def read(self) -> Contents:
        """Everything, as of now; nothing at all where there is no folder."""
        failures = [found for path in self._files(_FAILED) for found in _decoded(path, Failure)]
        backups: list[Backup] = []
        unreadable: list[Unreadable] = []
        for path in self._files(_MANIFEST):
            stem = path.name.removesuffix(_MANIFEST)
            with suppress(FileNotFoundError):  # Because retention may be deleting it at this moment.
                try:
                    backups.append(self._read(stem))
                except Damaged as error:
                    unreadable.append(Unreadable(stem, error.fact, self._size(stem)))
        backups.sort(key=_newest_first)
        failures.sort(key=_newest_first)
        return Contents(backups, unreadable, failures, self.running())

    def backup(self, backup_id: str) -> Backup:
        """One backup; NotFound without its manifest, Damaged when that cannot be believed."""
        try:
            return self._read(backup_id) if is_backup_id(backup_id) else _missing(backup_id)
        except FileNotFoundError:
            return _missing(backup_id)

    def running(self) -> Running | None:
        """The run under way, in this process or another; None also for one whose process has died."""
        for running in _decoded(self._running, Running):
            try:
                self.turn().release()
            except Conflict:
                return running
        return None

    @property
    def tells_of_a_run(self) -> bool:
        """Whether a run is under way, or was when its process died."""
        return self._running.exists()

    def recover(self, now: datetime) -> Failure | None:
        """Clean up after a process that was killed, if one was; returns the failure of its run."""
        if not self._running.exists():
            return None
        try:
            turn = self.turn()
        except Conflict:
            return None
        try:
            return self.clean_up(now)
        finally:
            turn.release()

    def clean_up(self, now: datetime) -> Failure | None:
        """As recover(), for who has the turn already; also ends deletions that were broken off."""
        for going in self.folder.glob(f"*{_DELETED}"):
            self._drop_data(going.name.removesuffix(_DELETED))
            going.unlink()
        half = [self.folder.glob(f".*{suffix}.*{PART}") for suffix in (_MANIFEST, ROLES, SUMS)]
        for part in chain(self._files(PART), *half):
            part.unlink()
        killed = next(iter(_decoded(self._running, Running)), None)
        failure = self._failure_of(killed, now) if killed else None
        self.over()
        return failure

    def tell(self, running: Running) -> None:
        """Show every process how far the run is."""
        part = self._running.with_suffix(".part")
        # Because this is told every second and worth nothing after a crash of the machine, it is not synced.
        with os.fdopen(open_private(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), "w") as file:
            json.dump(document(running), file)
        part.replace(self._running)

    def publish(self, backup: Backup) -> None:
        """Make the finished part a backup: data and checksums under their names first, the manifest last."""
        self.path(backup.id, PART).rename(self.folder / backup.file)
        sums = {backup.file: backup.sha256, backup.roles_file.file: backup.roles_file.sha256}
        lines = "".join(f"{sha256}  {name}\n" for name, sha256 in sums.items() if name)
        write_whole(self.path(backup.id, SUMS), lines.encode())
        self.rewrite(backup)

    def rewrite(self, backup: Backup) -> None:
        """Put down what has become known of a backup."""
        write_whole(self.path(backup.id, _MANIFEST), sealed(backup))

    def record(self, failure: Failure) -> None:
        """Keep how a run failed, and drop what it left; of the records the newest are kept."""
        for suffix in (_MANIFEST, *_DATA, PART, ROLES, SUMS):
            self.path(failure.id, suffix).unlink(missing_ok=True)
        content = json.dumps(document(failure), indent=2).encode() + b"\n"
        write_whole(self.path(failure.id, _FAILED), content)
        for old in self.read().failures[_KEPT_FAILURES:]:
            self.path(old.id, _FAILED).unlink(missing_ok=True)

    def over(self) -> None:
        """The run has ended, one way or the other."""
        self._running.unlink(missing_ok=True)
        self._cancel.unlink(missing_ok=True)

    def cancel(self, backup_id: str) -> None:
        """Wish a run away; whichever process makes it ends it soon."""
        write_whole(self._cancel, backup_id.encode())

    def is_cancelled(self, backup_id: str) -> bool:
        """Whether somebody wishes that run away."""
        return self._cancel.exists() and self._cancel.read_text() == backup_id

    def delete(self, backup: Backup) -> None:
        """The manifest goes first, so that a deletion that is broken off leaves no half backup."""
        going = self.path(backup.id, _DELETED)
        self.path(backup.id, _MANIFEST).rename(going)
        sync_folder(self.folder)
        self._drop_data(backup.id)
        going.unlink()

    def strays(self) -> list[str]:
        """Names of data that no manifest belongs to, as when it was deleted: never touched, only told."""
        data = {path.name: path.name.removesuffix(suffix) for suffix in _DATA for path in self._files(suffix)}
        known = {path.name.removesuffix(_MANIFEST) for path in self._files(_MANIFEST)}
        return sorted(name for name, stem in data.items() if stem not in known)

    def _drop_data(self, backup_id: str) -> None:
        for suffix in (*_DATA, ROLES, SUMS):
            self.path(backup_id, suffix).unlink(missing_ok=True)

    def _files(self, suffix: str) -> Iterator[Path]:
        for path in self.folder.glob(f"*{suffix}"):
            if is_backup_id(path.name.removesuffix(suffix)):
                yield path

    def _read(self, backup_id: str) -> Backup:
        backup = unsealed(self.path(backup_id, _MANIFEST).read_bytes())
        if backup.id != backup_id:
            raise Damaged("its manifest is that of another backup")
        size_bytes = self._size(backup_id)
        if size_bytes != backup.size_bytes:
            damage = f"its file has {size_bytes} bytes, {backup.size_bytes} were written"
            return replace(backup, state=State.DAMAGED, damage=damage)
        return backup

    def _size(self, backup_id: str) -> int:
        path = self.path(backup_id)
        return path.stat().st_size if path.exists() else 0

    def _failure_of(self, killed: Running, now: datetime) -> Failure | None:
        if killed.phase in {"drilling", "verifying"} or self.path(killed.id, _MANIFEST).exists():
            return None  # Because the backup was there already, or none was being made.
        failure = failed(
            killed,
            AtalaiaError("the process that made it was killed", "See whether the machine ran out of memory."),
            now,
            total=self.read().failures_total + 1,
        )
        self.record(failure)
        return failure


def _newest_first(run: Backup | Failure) -> int:
    return -run.sequence


def _decoded(path: Path, kind: type[Record]) -> list[Record]:
    """The record of a file, in a list; an empty one without the file or without sense in it."""
    with suppress(OSError, msgspec.DecodeError):
        return [msgspec.json.decode(path.read_bytes(), type=kind)]
    return []


def _missing(backup_id: str) -> Backup:
    raise NotFound(f"there is no backup {backup_id!r}", f"See: {COMMAND} backup list")
