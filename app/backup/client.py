"""The way to one PostgreSQL server: which programs to use, what they are told, and how they are ended."""

from __future__ import annotations

import math
import socket
import subprocess
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import cached_property
from itertools import chain
from pathlib import Path

from ..core.errors import AtalaiaError, Unavailable
from .complaints import errors
from .connection import Connection
from .model import Stopped
from .program import TOO_LATE, Program
from .tools import Tools, choose, installed, newest

_ANSWER_SECONDS = 60.0
_TLS_SECONDS = 5.0
_TLS_REQUEST = bytes.fromhex("0000000804d2162f")
_STOPPED = "it was ended because the server stops"


class Client:
    """The programs of one operation, which may take `seconds` in all."""

    def __init__(
        self, connection: Connection, *, seconds: float, pg_dump: str = "", tools: Sequence[Tools] = ()
    ) -> None:
        """`pg_dump`: the one to use with its neighbours, empty for the best found; or those in `tools`."""
        self._tools = tools
        self._connection = connection
        self._until = time.monotonic() + seconds
        self._pg_dump = pg_dump
        self._running: set[Program] = set()
        self._lock = threading.Lock()
        self._why: AtalaiaError | None = None

    def tools(self, *, at_least: int) -> Tools:
        """The programs for a server or an archive of that major version; Unavailable without any."""
        return choose(self._installed, at_least=at_least, tls=self._needs_tls)

    @contextmanager
    def run(
        self,
        program: Path,
        *arguments: str,
        database: str = "",
        seconds: float = math.inf,
        stdin: int = subprocess.DEVNULL,
        large_pieces: bool = False,
    ) -> Iterator[Program]:
        """A program connected to the server, to `database` where one is named; ended after `seconds`."""
        target = f"--dbname={self._connection.conninfo(database)}"
        command: list[str | Path] = [program, *arguments, "--no-password", target]
        password = self._connection.password
        with self._begun(
            command, password=password, seconds=seconds, stdin=stdin, large_pieces=large_pieces
        ) as running:
            yield running

    @contextmanager
    def run_alone(self, program: Path, *arguments: str) -> Iterator[Program]:
        """A program that is fed by us and connected to no server; ended with the others."""
        with self._begun([program, *arguments], stdin=subprocess.PIPE, large_pieces=True) as running:
            yield running

    @contextmanager
    def _begun(
        self,
        command: list[str | Path],
        *,
        password: str = "",
        seconds: float = math.inf,
        stdin: int,
        large_pieces: bool,
    ) -> Iterator[Program]:
        with self._lock:
            self.go_on()
            running = Program(
                command,
                password=password,
                seconds=min(seconds, self._until - time.monotonic()),
                stdin=stdin,
                large_pieces=large_pieces,
            )
            self._running.add(running)
        try:
            yield running
        finally:
            running.close()
            with self._lock:
                self._running.discard(running)

    def ask(self, sql: str, *, database: str = "") -> str:
        """What the server answers within a minute to statements, one line a row."""
        return self._psql(f"--command={sql}", database=database, seconds=_ANSWER_SECONDS)

    def ask_each(self, sql: str, *, database: str) -> list[str]:
        """What the server answers to the statements that are themselves the answer to `sql`.

        `sql` must hold no text of others, because psql reads it and not only the server.
        """
        return self._psql("--file=-", script=f"{sql} \\gexec\n", database=database).splitlines()

    def try_each(self, statements: Iterable[str], *, database: str) -> list[str]:
        """Run each statement, whatever becomes of those before it; returns what the server complained of.

        As in ask_each(), psql reads them.
        """
        with self.psql("--file=-", database=database) as program:
            _say(program, chain(["\\set ON_ERROR_STOP 0"], statements))
            program.stdout.read()
            program.finish()
            return errors(program.words)

    def go_on(self) -> None:
        """Raises what ends the operation, if something does: Stopped, or Unavailable past its time."""
        if self._why is not None:
            raise self._why
        if time.monotonic() > self._until:
            raise Unavailable(*TOO_LATE)

    def end(self, why: AtalaiaError | None = None) -> None:
        """End what runs and let nothing begin any more; whoever waits for it gets `why`, else Stopped."""
        with self._lock:
            self._why = self._why or why or Stopped(_STOPPED)
            running = list(self._running)
        for program in running:
            program.end(self._why)

    @contextmanager
    def psql(self, what: str, *, database: str = "", seconds: float = math.inf) -> Iterator[Program]:
        """A psql that prints bare values, a line a row, and ends at the first error."""
        psql = newest(self._installed, tls=self._needs_tls).program("psql")
        options = ("--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--set=ON_ERROR_STOP=1")
        with self.run(
            psql, *options, what, database=database, seconds=seconds, stdin=subprocess.PIPE
        ) as program:
            yield program

    def _psql(self, what: str, *, script: str = "", database: str, seconds: float = math.inf) -> str:
        with self.psql(what, database=database, seconds=seconds) as program:
            _say(program, [script])
            answer = program.stdout.read()
            program.finish()
        return answer.decode("utf-8", errors="replace").rstrip("\n")

    def anew(self) -> Client:
        """Another client of the same server, for what is to be cleaned up when this one is at its end."""
        return Client(self._connection, seconds=_ANSWER_SECONDS, pg_dump=self._pg_dump)

    @cached_property
    def _installed(self) -> Sequence[Tools]:
        return self._tools or installed(self._pg_dump)

    @property
    def _needs_tls(self) -> bool:
        mode = self._connection.options.get("sslmode", "prefer")
        if mode == "prefer":
            # Because a client without TLS would send in the clear what others would not.
            return not self._connection.is_local and _offers_tls(*self._connection.first_address)
        return mode not in {"disable", "allow"}


class Clients:
    """The clients at work for one connection, so that all of them can be ended."""

    def __init__(self, connection: Connection, *, seconds: float, pg_dump: str = "") -> None:
        """As for each Client."""
        self.connection = connection
        self._seconds = seconds
        self._pg_dump = pg_dump
        self._open: set[Client] = set()
        self._others: set[Clients] = set()
        self.ended = False

    @contextmanager
    def open(self) -> Iterator[Client]:
        """A client for one operation."""
        client = Client(self.connection, seconds=self._seconds, pg_dump=self._pg_dump)
        self._open.add(client)
        if self.ended:
            client.end()
        try:
            yield client
        finally:
            self._open.discard(client)

    @contextmanager
    def to(self, database: str) -> Iterator[Clients]:
        """The way to another database of the same server; ended with this one."""
        connection = replace(self.connection, database=database)
        others = Clients(connection, seconds=self._seconds, pg_dump=self._pg_dump)
        self._others.add(others)
        if self.ended:
            others.end()
        try:
            yield others
        finally:
            self._others.discard(others)

    def end(self) -> None:
        """End every operation, and those that would still begin."""
        self.ended = True
        for client in list(self._open):
            client.end()
        for others in list(self._others):
            others.end()


def _say(program: Program, script: Iterable[str]) -> None:
    with suppress(BrokenPipeError), program.stdin as pipe:
        for statement in script:
            pipe.write(f"{statement}\n".encode(errors="surrogateescape"))


def _offers_tls(host: str, port: int) -> bool:
    """What the server answers to PostgreSQL's SSLRequest; False when there is nobody to ask."""
    try:
        with socket.create_connection((host, port), timeout=_TLS_SECONDS) as asking:
            asking.sendall(_TLS_REQUEST)
            return asking.recv(1) == b"S"
    except OSError:
        return False
