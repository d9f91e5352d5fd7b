"""Reads every database of a server as of one instant, of which the place in the write-ahead log is known.

A snapshot and a place in the log are two things: a transaction stands in the log before snapshots show it.
So the place is read in the very statement that takes the snapshot, and whether the two agree is found out
for certain where the log up to there has been recovered (drill.py).
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager

import msgspec

from ...core.errors import AtalaiaError, Unavailable
from ..client import Client
from ..questions import Part, begin, locks, method_for, question
from ..session import Session, session
from ..sql import literal
from ..truth import Truth
from .moment import Moment, merged, without

_STEP_SECONDS = 0.005
_WORKERS = 2
_DATABASES = """
select json_agg(datname order by datname = current_database(), datname) from pg_database
where datallowconn and not datistemplate
"""
_SUPERUSER = "select rolname from pg_roles where oid = 10"
# Because a transaction whose commit is in the log, and not yet on the disk, is not yet seen by others; where
# commits do not wait for the disk they are seen as soon as they are in the log. Calm is a server that has
# written all of it, but for the 40 bytes at most with which a page of the log begins.
_INSTANT = """
select concat_ws(' ', pg_current_snapshot(),
  case when current_setting('synchronous_commit') = 'off' then inserted else flushed end,
  pg_wal_lsn_diff(inserted, flushed)
    <= case when pg_wal_lsn_diff(flushed, '0/0') % 8192 = 0 then 40 else 0 end)
from pg_current_wal_flush_lsn() flushed, pg_current_wal_insert_lsn() inserted;
"""
# A commit takes everything before it to the disk, which nobody else may do for long where nothing is written.
_WRITE_ALL = "begin; set local synchronous_commit = on; select pg_current_xact_id(); commit;\n"
# A nextval() writes ahead: after a recovery a sequence may stand as far as its log_cnt says, but no further.
_AHEAD = """
select format(
  'select json_build_array(%L, (last_value::numeric + (log_cnt + 1) * %s::numeric)::text) from %I.%I',
  nspname || '.' || relname, seqincrement, nspname, relname)
from pg_class c join pg_namespace n on n.oid = relnamespace join pg_sequence on seqrelid = c.oid
where nspname !~ '^pg_' and nspname <> 'information_schema' and not seqcycle
order by nspname, relname \\gexec
"""
_UNLOGGED = """
select nspname || '.' || relname from pg_class c join pg_namespace n on n.oid = relnamespace
where relpersistence = 'u' and relkind in ('r', 'S') order by 1;
"""
_COMMITTED = """
select count(*) from (
  select {snapshot}::pg_snapshot as moment, pg_snapshot_xmax(pg_current_snapshot())::text::int8 as following
) told, generate_series(greatest(pg_snapshot_xmax(moment)::text::int8 - 10000, 3),
    pg_snapshot_xmax(moment)::text::int8 - 1) number
where case when number < following then pg_visible_in_snapshot(number::text::xid8, moment)
  and pg_xact_status(number::text::xid8) = 'committed' end
"""
_EXTENSIONS = "select extname from pg_extension where extname <> 'plpgsql' order by 1;\n"


def databases(client: Client, *, beside: str = "") -> list[str]:
    """The names of all that can be connected to, that of the client last."""
    names: list[str] = msgspec.json.decode(client.ask(_DATABASES, database=beside))
    return names


def find_moment(client: Client, *, server_major: int, seconds: float, lock_wait_seconds: int) -> Moment:
    """Look for such an instant, for at most so long, and read what was there; Unavailable without one."""
    method, superuser = method_for(server_major), client.ask(_SUPERUSER)
    truths: dict[str, Truth] = {}
    unlogged: list[str] = []
    extensions: set[str] = set()
    with _readers(client, method, lock_wait_seconds) as (readers, before, unread):
        snapshot, lsn = _instant(client, readers, begin(first=_INSTANT), seconds)
        known = int(next(iter(readers.values())).ask(f"{committed(snapshot)};\n")[0])
        ahead = {name: reader.ask(_AHEAD) for name, reader in readers.items()}
        for name, reader in readers.items():
            began = time.monotonic()
            try:
                told = reader.tell(method)
            except AtalaiaError as error:
                client.go_on()
                unread[name] = error.fact
                continue
            told.lines[Part.SEQUENCES] = before[name]
            truths[name] = told.truth(method, ahead[name], time.monotonic() - began)
            unlogged += [f"{name}.{table}" for table in reader.ask(_UNLOGGED)]
            extensions.update(reader.ask(_EXTENSIONS))
    if not truths:
        raise Unavailable(f"no database could be read: {'; '.join(unread.values())}")
    truth = without(merged(truths), unlogged)
    return Moment(
        lsn,
        snapshot,
        known,
        superuser,
        truth,
        (*readers, *unread),
        unread,
        tuple(unlogged),
        tuple(sorted(extensions)),
    )


def committed(snapshot: str) -> str:
    """The question how many of the last transactions that a snapshot shows were committed."""
    return _COMMITTED.format(snapshot=literal(snapshot))


def read_all(client: Client, names: list[str], method: str) -> Truth:
    """What is in those databases of a server that nobody else uses; every row is read."""
    truths = {}
    for name in names:
        with session(client, begin(workers=_WORKERS), database=name) as (asking, _):
            truths[name] = asking.tell(method).truth(method)
    return merged(truths)


@contextmanager
def _readers(
    client: Client, method: str, lock_wait_seconds: int
) -> Iterator[tuple[dict[str, Session], dict[str, list[str]], dict[str, str]]]:
    """A session for each database that can be read, no table of which can be emptied or dropped meanwhile.

    With each, where its sequences stood before; and why the others cannot be read.
    """
    found: dict[str, Session] = {}
    before: dict[str, list[str]] = {}
    unread: dict[str, str] = {}
    opening = begin(lock_wait_seconds=lock_wait_seconds) + locks()
    with ExitStack() as stack:
        for name in databases(client):
            try:
                locked, _ = stack.enter_context(session(client, opening, database=name))
                before[name] = locked.ask(question(Part.SEQUENCES, method))
                found[name] = stack.enter_context(session(client, "", database=name))[0]
            except AtalaiaError as error:
                client.go_on()
                unread[name] = error.fact
        if not found:
            raise Unavailable(f"no database could be read: {'; '.join(unread.values())}")
        yield found, before, unread


def _instant(client: Client, readers: Mapping[str, Session], opening: str, seconds: float) -> tuple[str, str]:
    """Snapshot and place of an instant at which all sessions have the same snapshot.

    For half of the time one is looked for after which nothing ends for a while, because who has just
    written that it ends may not be seen yet.
    """
    began = time.monotonic()
    with session(client, "") as (witness, _):
        while True:
            witness.ask(_WRITE_ALL)
            seen = [reader.ask(opening)[0].split() for reader in readers.values()]
            snapshot, lsn, calm = seen[-1]
            passed = time.monotonic() - began
            if all(one[0] == snapshot for one in seen) and (
                passed > seconds / 2 or (calm == "t" and _nothing_ends(witness, snapshot))
            ):
                return snapshot, lsn
            for reader in readers.values():
                reader.ask("rollback;\n")
            client.go_on()
            if passed > seconds:
                raise Unavailable(
                    f"for {seconds:.0f} s no instant was found at which all databases stood still together",
                    "So many transactions end that their contents cannot be told as of one place in the log.",
                )
            time.sleep(_STEP_SECONDS)


def _nothing_ends(witness: Session, snapshot: str) -> bool:
    time.sleep(_STEP_SECONDS)
    return witness.ask("select pg_current_snapshot();\n") == [snapshot]
