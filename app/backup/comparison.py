"""What a restore has made, compared with its source: rows, and everything that a second dump of it tells."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, cast

from . import copied, structure
from .archive import CHUNK_BYTES, reading
from .client import Client
from .copied import Content, Unordered
from .grants import rights
from .model import Backup, Damaged
from .program import Program
from .questions import begin
from .scratch import DATABASE, Scratch
from .session import session
from .toc import entries
from .truth import Truth, differences, shortened

_WORKERS = 2
_MOST_REFUSED = 3
_PIECE_BYTES = CHUNK_BYTES // 8  # because each line of a large object moves what is held behind it
# Everything but rows: `--schema-only` would leave out whose large objects are.
_SCHEMA = ("--format=custom", "--compress=0", "--exclude-table-data=*.*")
_DATA = "--data-only"


@dataclass(frozen=True, slots=True)
class Comparison:
    """`with_what` rows were compared: the `snapshot` of the dump, the `dump` itself, or nothing (empty)."""

    with_what: str
    differences: tuple[str, ...]
    notes: tuple[str, ...] = ()


def compare(made: Scratch, backup: Backup, path: Path, *, may_dump: bool) -> Comparison:
    """Compare the database in the scratch with what is known of its source.

    1. Rows: as they were found in the snapshot of the dump. Without that, where `may_dump`, the scratch is
       dumped again and its rows are compared with those in the file at `path`.
    2. Owners and grants are given as the archive says.
    3. The schema is dumped again: objects, definitions, owners, grants are compared with the archive's.
    Nothing of this asks the source anything.
    """
    if backup.truth is not None:
        told, with_what = differences(backup.truth, _told(made, backup.truth.method)), "snapshot"
    elif may_dump:
        told, with_what = _of_dumps(made, path), "dump"
    else:
        told, with_what = [], ""
    try:
        refused = _hand_over(made, path)
        told += _of_structure(made, backup, path)
    except Damaged as error:
        # Because an archive of a newer release is restored by that release's pg_restore all the same.
        refused = (f"owners and definitions not compared: {error.fact}",)
    # Because what could not be given is no trouble where nothing differs, and else tells why.
    return Comparison(with_what, shortened([*told, *refused]) if told else (), () if told else refused)


def _told(made: Scratch, method: str) -> Truth:
    with session(made.role, begin(workers=_WORKERS), database=DATABASE) as (asking, _):
        return asking.tell(method).truth(method)


def _of_dumps(made: Scratch, path: Path) -> list[str]:
    """The rows of the archive against those that come out of the scratch; first as they stand in it."""

    def source(content: Callable[[str], Content]) -> Truth:
        with _as_text(made, path) as text:
            return copied.told(text, content)

    def found(content: Callable[[str], Content]) -> Truth:
        pg_dump = made.build.tools.program("pg_dump")
        with (
            made.role.run(pg_dump, _DATA, database=DATABASE, large_pieces=True) as program,
            _heard(made.role, program),
        ):
            return copied.told(_pieces(program.stdout), content)

    was, now = source(copied.in_order), found(copied.in_order)
    odd = {table for table, rows in was.tables.items() if rows != now.tables.get(table)}
    if not odd:
        return differences(was, _but_empty(now, was))

    def content(table: str) -> Content:
        # Because a table may give its rows in another order than it took them in.
        return Unordered() if table in odd else copied.in_order(table)

    was, now = source(content), found(content)
    return differences(was, _but_empty(now, was))


def _but_empty(found: Truth, source: Truth) -> Truth:
    """Without empty tables that the source has not: a standby dumps unlogged tables without their rows."""
    tables = {name: rows for name, rows in found.tables.items() if rows.count or name in source.tables}
    return replace(found, tables=tables)


def _hand_over(made: Scratch, path: Path) -> tuple[str, ...]:
    with reading(path) as archive:
        return made.hand_over(rights(entries(archive.chunks())))[:_MOST_REFUSED]


def _of_structure(made: Scratch, backup: Backup, path: Path) -> list[str]:
    with reading(path) as archive:
        source = structure.structure(entries(archive.chunks()))
    pg_dump = made.build.tools.program("pg_dump")
    with made.superuser.run(pg_dump, *_SCHEMA, database=DATABASE, large_pieces=True) as program:
        try:
            found = structure.structure(entries(_pieces(program.stdout)))
        except Damaged:
            made.superuser.go_on()
            _hear(program)
            raise
        program.kill()  # Because what follows its table of contents are large objects, compared already.
    same_client = made.build.major == backup.client_major
    same_server = made.build.major == backup.source.server_major
    return list(structure.differences(source, found, same_client=same_client, same_server=same_server))


@contextmanager
def _as_text(made: Scratch, path: Path) -> Iterator[Iterator[bytes]]:
    """The data of an archive as pg_restore writes them where it is connected to no server."""
    pg_restore = made.build.tools.program("pg_restore")
    with (
        made.superuser.run_alone(pg_restore, "--format=custom", _DATA, "--file=-") as program,
        _feeding(program, path),
        _heard(made.superuser, program),
    ):
        yield _pieces(program.stdout)


@contextmanager
def _feeding(program: Program, path: Path) -> Iterator[None]:
    """Give the archive to a program in a thread, because it writes as much as it reads."""
    why: list[Damaged] = []

    def feed() -> None:
        try:
            with suppress(BrokenPipeError), program.stdin as pipe, reading(path) as archive:
                for raw in archive.chunks():
                    pipe.write(raw)
        except Damaged as error:
            why.append(error)

    thread = threading.Thread(target=feed, name="atalaia-second-dump", daemon=True)
    thread.start()
    try:
        yield
    except BaseException:
        program.kill()
        raise
    finally:
        thread.join()
        for error in why:
            raise error  # Because a program whose food was bad complains of other things.


@contextmanager
def _heard(client: Client, program: Program) -> Iterator[None]:
    """Hear why a program has ended, before what it said is believed, or is called broken."""
    try:
        yield
    except Damaged:
        client.go_on()
        _hear(program)
        raise
    _hear(program)


def _hear(program: Program) -> None:
    for _ in _pieces(program.stdout):  # Because it does not end before it has said everything.
        continue
    program.finish()


def _pieces(pipe: IO[bytes]) -> Iterator[bytes]:
    while piece := cast(io.BufferedReader, pipe).read1(_PIECE_BYTES):
        yield piece
