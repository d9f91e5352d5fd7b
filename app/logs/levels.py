"""Levels that operators change at run time: a small file that every worker of the host obeys."""

from __future__ import annotations

import fcntl
import logging
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec

from ..core.clock import Clock, parse_rfc3339, rfc3339
from ..core.errors import Conflict, InputRejected, NotFound
from ..core.files import open_private, private_folder, write_whole
from ..core.guard import guard
from .matching import LEVELS

EXPIRES_SECONDS = 900.0
LONGEST_SECONDS = 7 * 86_400.0
_MOST = 100
_NAME = re.compile(r"[A-Za-z_][\w-]*(?:\.[A-Za-z_][\w-]*)*")
_LONGEST_NAME = 200


@dataclass(frozen=True, slots=True)
class Override:
    """The level of a logger, and of its children that have none of their own, until a time (RFC 3339)."""

    logger: str
    level: str
    expires_at: str
    by: str = ""


@dataclass(slots=True)
class _Applied:
    before: int
    now: int


class LevelFile:
    """The overrides of one host; any process may change them, each sees them all."""

    def __init__(self, path: Path, clock: Clock) -> None:
        self._path = path
        self._clock = clock

    @property
    def signature(self) -> tuple[int, int, int] | None:
        """Differs after every change; None where there is no file."""
        try:
            status = self._path.stat()
        except FileNotFoundError:
            return None
        return status.st_ino, status.st_mtime_ns, status.st_size

    def active(self) -> dict[str, Override]:
        """Those that have not expired, by logger."""
        now = rfc3339(self._clock.now())
        return {name: one for name, one in self._read().items() if one.expires_at > now}

    def set(self, logger: str, level: str, expires_seconds: float, by: str) -> Override:
        """Give a logger a level; InputRejected for what is no logger, level or time."""
        new = Override(_checked(logger), _level(level), self._expiry(expires_seconds), by)
        with self._changing() as known:
            known[new.logger] = new
            if len(known) > _MOST:
                raise Conflict(f"{_MOST} loggers have levels of their own already", "Take one back first.")
        return new

    def take_back(self, logger: str) -> Override:
        """Let a logger have the level that it had before; NotFound when it has none from here."""
        with self._changing() as known:
            old = known.pop(_checked(logger), None)
            if old is None:
                hint = "GET /production/logs/level lists those that have one."
                raise NotFound(f"{logger} has no level that was set at run time", hint)
        return old

    def _expiry(self, seconds: float) -> str:
        if not 1 <= seconds <= LONGEST_SECONDS:
            hint = f"Choose from 1 to {LONGEST_SECONDS:.0f} seconds (7 days)."
            raise InputRejected(f"expires_seconds is {seconds:g}", hint)
        return rfc3339(self._clock.now() + timedelta(seconds=seconds))

    @contextmanager
    def _changing(self) -> Iterator[dict[str, Override]]:
        """The active ones, to be changed while no other process does."""
        private_folder(self._path.parent)
        lock = open_private(self._path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            known = self.active()
            yield known
            write_whole(self._path, msgspec.json.encode(known))
        finally:
            os.close(lock)

    def _read(self) -> dict[str, Override]:
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=dict[str, Override])
        except (FileNotFoundError, msgspec.MsgspecError):
            return {}


class Levels:
    """The overrides as they hold in this process; `root` is the level of the top of all without them."""

    def __init__(self, file: LevelFile, clock: Clock, root: str) -> None:
        self._file = file
        self._clock = clock
        self._root = root
        self._signature: object = ()
        self._active: Mapping[str, Override] = {}
        self._applied: dict[str, _Applied] = {}

    def listed(self) -> dict[str, Any]:
        """Those that have not expired."""
        active = self._file.active()
        return {"root": self._root, "levels": [asdict(active[name]) for name in sorted(active)]}

    def change(
        self, logger: str, level: str | None, expires_seconds: float = EXPIRES_SECONDS, *, by: str
    ) -> dict[str, Any]:
        """Give a logger a level in every worker of this host, or with None take it back.

        It is told in security.log. InputRejected for what means nothing.
        """
        if level is None:
            old = self._file.take_back(logger)
            _tell("log_level_taken_back", target=logger, changed_from=old.level, by=by)
        else:
            new = self._file.set(logger, level, expires_seconds, by)
            _tell("log_level_changed", target=logger, changed_to=new.level, expires_at=new.expires_at, by=by)
        self.follow()
        return self.listed()

    def follow(self) -> None:
        """Do as the file says; to be called each second, and reads only a file that has changed."""
        now, signature = self._clock.now(), self._file.signature
        if signature != self._signature:
            self._active, self._signature = self._file.active(), signature
        self._active = {n: one for n, one in self._active.items() if parse_rfc3339(one.expires_at) > now}
        for name, one in self._active.items():
            self._apply(name, logging.getLevelNamesMapping()[one.level])
        self._restore(self._applied.keys() - self._active.keys())

    def stop(self) -> None:
        """Give every logger the level that it had."""
        self._restore(set(self._applied))
        self._signature = ()

    def _apply(self, name: str, level: int) -> None:
        logger = logging.getLogger(name)
        applied = self._applied.get(name)
        if applied is None:
            self._applied[name] = _Applied(logger.level, level)
            logger.setLevel(level)
        elif applied.now != level:
            applied.now = level
            logger.setLevel(level)

    def _restore(self, names: set[str]) -> None:
        for name in names:
            applied, logger = self._applied.pop(name), logging.getLogger(name)
            # Because the application may have chosen another level meanwhile, which is then right.
            if logger.level == applied.now:
                logger.setLevel(applied.before)


def _tell(event: str, **fields: object) -> None:
    with guard("logs.levels"):
        logging.getLogger("security").warning(event, extra={"event": event, **fields})


def _checked(logger: str) -> str:
    if len(logger) > _LONGEST_NAME or not _NAME.fullmatch(logger):
        hint = "Name one logger, like app.orders; its children follow it. The top of all is called root."
        raise InputRejected(f"{logger[:_LONGEST_NAME]!r} is no name of a logger", hint)
    return logger


def _level(level: str) -> str:
    if level.upper() not in LEVELS:
        raise InputRejected(f"there is no level {level!r}", f"Choose one of {', '.join(LEVELS)}.")
    return level.upper()
