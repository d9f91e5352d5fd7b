"""The accounts of the operating system: as whom a server runs, and what that account can reach."""

from __future__ import annotations

import os
import pwd
import stat
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .errors import Unavailable


@dataclass(frozen=True, slots=True)
class Account:
    """One account, by its numbers."""

    uid: int
    gid: int

    @property
    def is_ours(self) -> bool:
        """True when this process runs as this account already."""
        return self.uid == os.geteuid()

    @property
    def switch(self) -> dict[str, Any]:
        """The arguments of subprocess that make a child run as this account."""
        return {} if self.is_ours else {"user": self.uid, "group": self.gid, "extra_groups": []}

    def reaches(self, path: Path) -> bool:
        """Whether mode bits let this account pass every existing step of `path` (execute it, when a file)."""
        # Because a link in it may lead through other folders, both ways are walked.
        steps = {step for way in (path, path.resolve()) for step in (way, *way.parents)}
        return self.is_ours or all(self._passes(step) for step in steps if step.exists())

    def claim(self, folder: Path) -> None:
        """Make `folder`, 0700 and this account's; Unavailable when somebody else's stands there."""
        with suppress(FileExistsError):
            folder.mkdir(mode=0o700)
        try:
            handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except OSError as error:
            raise _not_ours(folder) from error
        try:
            if os.fstat(handle).st_uid not in (self.uid, os.geteuid()):
                raise _not_ours(folder)
            os.fchown(handle, self.uid, self.gid)
            os.fchmod(handle, 0o700)
        finally:
            os.close(handle)

    def _passes(self, step: Path) -> bool:
        facts = step.stat()
        if facts.st_uid == self.uid:
            return bool(facts.st_mode & stat.S_IXUSR)
        if facts.st_gid == self.gid:
            return bool(facts.st_mode & stat.S_IXGRP)
        return bool(facts.st_mode & stat.S_IXOTH)


def owner_of(path: Path) -> Account:
    """The account that owns an existing file or folder."""
    facts = path.stat()
    return Account(facts.st_uid, facts.st_gid)


def unprivileged() -> Account:
    """Ourselves; when we are root: the account postgres, or nobody. Unavailable when there is neither."""
    if os.geteuid() != 0:
        return Account(os.geteuid(), os.getegid())
    for name in ("postgres", "nobody"):
        with suppress(KeyError):
            entry = pwd.getpwnam(name)
            return Account(entry.pw_uid, entry.pw_gid)
    raise Unavailable(
        "PostgreSQL refuses to run as root, and there is no unprivileged account",
        "Create an account named postgres, or run this program as another user.",
    )


def _not_ours(folder: Path) -> Unavailable:
    return Unavailable(f"{folder} belongs to somebody else", "Find out who made it, then remove it.")
