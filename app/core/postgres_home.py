"""The home of a private PostgreSQL: data, socket, log and lock, and the account that it belongs to."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from .accounts import Account, owner_of, unprivileged
from .errors import Unavailable
from .files import open_private, private_folder

PORT = "5432"  # It names the socket's file and nothing else.
_SOCKET = f".s.PGSQL.{PORT}"
_LONGEST_SOCKET = 103  # bytes, macOS; Linux has room for 107
_SHORT = Path("/tmp")  # noqa: S108 because TMPDIR may differ between who starts the server and who finds it
_SYSTEM = Path("/var/lib/atalaia")
_LAST_LINES = 8


@dataclass(frozen=True, slots=True)
class PostgresHome:
    """Names of things in one folder, and what has to be true of them before a server starts."""

    folder: Path
    account: Account

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def log(self) -> Path:
        return self.folder / "server.log"

    @property
    def socket(self) -> Path:
        """The socket's folder; in /tmp where libpq could not use its name (too long, or a comma in it)."""
        inside = self.folder / "socket"
        if len(os.fsencode(inside / _SOCKET)) <= _LONGEST_SOCKET and "," not in str(inside):
            return inside
        return _SHORT / f"atalaia-{_digest(self.folder)}"

    def prepare(self) -> None:
        """Make the folder; root's can be passed, not listed, by the account that the server runs as."""
        if self.account.is_ours:
            private_folder(self.folder)
            return
        for step in reversed((self.folder, *self.folder.parents)):
            if not step.exists():
                step.mkdir(exist_ok=True)
                step.chmod(0o711)

    @contextmanager
    def turn(self, until: float) -> Iterator[None]:
        """Let one process at a time start or stop the server; Unavailable past `until` (monotonic)."""
        lock = open_private(self.folder / "lock", os.O_RDWR | os.O_CREAT)
        try:
            while not _locked(lock):
                if time.monotonic() > until:
                    raise Unavailable(
                        f"another process is still starting or stopping the PostgreSQL in {self.folder}",
                        f"See who it is with: fuser {self.folder / 'lock'}",
                    )
                time.sleep(0.05)
            yield
        finally:
            os.close(lock)

    def tidy(self) -> None:
        """Empty the log, and remove what a killed starter or server has left behind."""
        # In place, because a server that was started a moment ago may have it open.
        os.close(open_private(self.log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC))
        for part in self.folder.glob("data.*"):
            shutil.rmtree(part, ignore_errors=True)
        self._forget_dead_locks()

    def open_log(self) -> BinaryIO:
        """The log, to be appended to."""
        return os.fdopen(open_private(self.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND), "ab")

    def last_words(self) -> str:
        """The last lines of the log; empty when there is none."""
        try:
            text = self.log.read_text(errors="replace")
        except OSError:
            return ""
        return "\n".join(text.splitlines()[-_LAST_LINES:])

    def _forget_dead_locks(self) -> None:
        """Remove lock files that name a zombie, or a process which is not the server of these data.

        PostgreSQL only asks whether the number is taken. It would not start again in a container whose
        first process buries nobody, or which deals out the same numbers after each restart. Survivors of
        a killed server still keep a second one out: it sees that their shared memory is in use.
        """
        for lock in (self.data / "postmaster.pid", self.socket / f"{_SOCKET}.lock"):
            if not self._is_held(lock):
                lock.unlink(missing_ok=True)

    def _is_held(self, lock: Path) -> bool:
        if not Path("/proc/self/cwd").exists():
            return True  # Because macOS does not tell where a process works.
        try:
            pid = int(lock.read_text().split()[0])
            return Path(f"/proc/{pid}/cwd").samefile(self.data)
        except (OSError, ValueError, IndexError):
            return False


def find_home(folder: Path) -> PostgresHome:
    """Where the server of `folder` lives: where its data are already, else in `folder` if that can be.

    It cannot when we are root and the unprivileged account that runs the server is unable to get there:
    then its home is /var/lib/atalaia/<name of the checkout>-<digest of the path>. Nobody's folders are
    opened up for it.
    """
    folder = folder.resolve()
    account = unprivileged()
    if account.is_ours:
        return PostgresHome(folder, account)
    elsewhere = _SYSTEM / f"{folder.parent.name[:32]}-{_digest(folder)}"
    for home in (folder, elsewhere):
        if (home / "data").exists():
            return PostgresHome(home, owner_of(home / "data"))
    return PostgresHome(folder if account.reaches(folder) else elsewhere, account)


def _digest(path: Path) -> str:
    return hashlib.sha256(os.fsencode(path)).hexdigest()[:8]


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
