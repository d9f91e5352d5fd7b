"""A session that tells what is in a database, and holds the snapshot which a dump is made of."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from ..core.errors import AtalaiaError, Unavailable
from .client import Client
from .program import Program
from .questions import Part, begin, locks, method_for, question
from .truth import Told, Truth

_DONE = "done"
_SNAPSHOT = "select 'snapshot ' || pg_export_snapshot();\n"


class Session:
    """One transaction in which questions are asked one after the other."""

    def __init__(self, psql: Program) -> None:
        self._psql = psql

    def ask(self, sql: str) -> list[str]:
        """The lines of the answer; Unavailable with the server's complaint when there is none."""
        with suppress(BrokenPipeError):
            self._psql.stdin.write(f"{sql}select '{_DONE}';\n".encode())
            self._psql.stdin.flush()
        lines: list[str] = []
        while line := self._psql.stdout.readline():
            if (text := line.decode("utf-8", errors="replace").rstrip("\n")) == _DONE:
                return lines
            lines.append(text)
        self._psql.finish()
        raise Unavailable("psql ended too soon", "See the server's log.")

    def tell(self, method: str) -> Told:
        """Everything there is to tell of the database."""
        told = Told()
        for part in Part:
            told.lines[part] = self.ask(question(part, method))
        return told


class Snapshot:
    """A snapshot, by its `name`; the truth about it is found out in a thread, while it is dumped."""

    def __init__(self, session: Session, name: str, method: str) -> None:
        self.name = name
        self._session = session
        self._method = method
        self._told = Told()
        self._why: BaseException | None = None
        self._seconds = 0.0
        self._thread = threading.Thread(target=self._tell, name="atalaia-truth", daemon=True)

    def begin(self) -> None:
        """Begin to find out."""
        self._thread.start()

    def wait(self) -> None:
        """Until everything is found out, or the session has ended."""
        self._thread.join()

    def truth(self) -> Truth:
        """Asked for when the dump has ended; raises what kept it from being told."""
        self.wait()
        if self._why is not None:
            raise self._why
        later = self._session.ask(question(Part.SEQUENCES, self._method))
        return self._told.truth(self._method, later, self._seconds)

    def _tell(self) -> None:
        began = time.monotonic()
        try:
            self._told = self._session.tell(self._method)
        except (AtalaiaError, OSError, ValueError) as error:
            self._why = error  # Because it is raised again where the truth is asked for.
        self._seconds = time.monotonic() - began


@contextmanager
def session(client: Client, opening: str, *, database: str = "") -> Iterator[tuple[Session, Program]]:
    """A Session that is opened with that script; it ends with the block, whatever it is doing then."""
    with client.psql("--file=-", database=database) as psql:
        opened = Session(psql)
        opened.ask(opening)
        yield opened, psql
        # Because a transaction that only reads has nothing that could fail at its end.
        with suppress(BrokenPipeError, AtalaiaError):
            psql.stdin.close()
            psql.finish()


@contextmanager
def snapshot(client: Client, *, server_major: int, lock_wait_seconds: int) -> Iterator[Snapshot]:
    """Hold a snapshot of the client's database, in which no table can be emptied or dropped meanwhile.

    1. Every table is locked against that, as pg_dump will do too.
    2. The snapshot is exported.
    3. A thread begins to find out the truth.
    """
    with session(client, begin(lock_wait_seconds=lock_wait_seconds)) as (asking, psql):
        name = asking.ask(locks() + _SNAPSHOT)[-1].removeprefix("snapshot ")
        held = Snapshot(asking, name, method_for(server_major))
        held.begin()
        try:
            yield held
        except BaseException:
            psql.kill()
            raise
        finally:
            held.wait()
