"""A backup as a database again: into a new one first, which then takes the name that was asked for."""

from __future__ import annotations

import secrets
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import msgspec

from ..core.errors import Conflict, Unavailable
from ..core.guard import guard
from .archive import reading
from .client import Client
from .likeness import clauses, described
from .model import Backup, Fingerprint, OnShare, major
from .restoring import Restored, Target
from .roles import create_roles, drop_roles, needed_for
from .selection import Selection, select
from .sql import LONGEST_NAME_BYTES, identifier, literal
from .tools import Tools
from .verify import compare, listing, verify

_SWAPS = 3
_NO_SUCH_ORDER = ("locale", "ICU", "encoding")
_VERIFIED_SHARE = 0.1
_STATE = """
select json_build_object(
  'server_version', split_part(current_setting('server_version'), ' ', 1),
  'exists', exists (select from pg_database where datname = {name}),
  'owner', (select pg_get_userbyid(datdba) from pg_database where datname = {name}),
  'connections', (select count(*) from pg_stat_activity where datname = {name}),
  'missing_roles', (
    select coalesce(json_agg(role), '[]') from json_array_elements_text({roles}) role
      where role not in (select rolname from pg_roles)))
"""
_DROP = "drop database if exists {name} with (force)"
_DISCONNECT = "select pg_terminate_backend(pid) from pg_stat_activity where datname = {name}"
_COUNTS = """
select format(
    'select json_build_array(%L, count(*)) from only %I.%I', nspname || '.' || relname, nspname, relname)
from pg_class c join pg_namespace n on n.oid = relnamespace
where relkind = 'r' and relpersistence <> 't'
  and nspname <> 'information_schema' and nspname not like 'pg\\_%'
order by nspname, relname
"""
_FOREIGN_KEYS = """
select translate(format('%s %s %s', nspname, relname, conname), E'\\n\\r', '  ')
from pg_constraint k join pg_class c on c.oid = conrelid join pg_namespace n on n.oid = relnamespace
where contype = 'f'
"""


def look_at_target(client: Client, backup: Backup, into: str) -> Target:
    """What a restore into a database of that name would find."""
    identifier(into)
    roles = literal(msgspec.json.encode(backup.source.roles).decode())
    answer = client.ask(_STATE.format(name=literal(into), roles=roles), database=_beside(into))
    return msgspec.json.decode(answer, type=Target)


def restore(
    client: Client,
    backup: Backup,
    path: Path,
    *,
    into: str,
    replace: bool = False,
    tables: Sequence[str] = (),
    roles_sql: str = "",
    on_share: OnShare = lambda _: None,
) -> Restored:
    """Restore into a database of that name; whatever fails, one that was there stays as it was.

    1. A database of that name is refused, unless it is to be replaced.
    2. The file is verified to its last bit.
    3. Roles that are missing are made, where `roles_sql` tells how.
    4. A new database under a passing name takes the dump; pg_restore ends at its first error. Where
       `tables` (patterns) are named, it takes the whole schema and the rows of those only.
    5. The rows of every table are counted.
    6. In one transaction a former database is renamed and the new one gets the name.
    """
    target = look_at_target(client, backup, into)
    refuse(target, into, replace=replace, tables=tables)
    tools = client.tools(at_least=max(backup.client_major, major(target.server_version)))
    verify(path, backup.fingerprint, lambda share: on_share(share * _VERIFIED_SHARE))
    selection = select(listing(path, tools), tables) if tables else None
    mark = secrets.token_hex(4)
    passing = f"atalaia_restoring_{mark}"
    made = needed_for(roles_sql, target.missing_roles)
    create_roles(client, roles_sql, made, beside=_beside(passing))
    with _undoing(client, passing, made):
        notes = _create(client, passing, backup, target)
        filling = _Filling(client, tools, backup, path, passing)
        filling.fill(selection, owners=not set(target.missing_roles) - set(made), on_share=on_share)
        rows = _counted(client, passing, selection)
        if selection is not None:
            notes += filling.foreign_keys(selection)
        former = _former(into, mark) if target.exists else None
        _name(client, passing, into, former)
    return Restored(rows, former, notes, tuple(made))


def _counted(client: Client, database: str, selection: Selection | None) -> dict[str, int]:
    """Table → its rows, for those that were chosen."""
    rows: dict[str, int] = dict(map(msgspec.json.decode, client.ask_each(_COUNTS, database=database)))
    return {table: count for table, count in rows.items() if selection is None or selection.has(table)}


@contextmanager
def _undoing(client: Client, database: str, roles: Sequence[str]) -> Iterator[None]:
    """Whatever ends the block, neither the database nor the roles are left."""
    try:
        yield
    except BaseException:
        with guard("backup.restore"):
            client.anew().ask(_DROP.format(name=identifier(database)), database=_beside(database))
            drop_roles(client.anew(), roles, beside=_beside(database))
        raise


def refuse(target: Target, into: str, *, replace: bool, tables: Sequence[str]) -> None:
    """Conflict where the restore would touch a database that is there, and that was not asked for."""
    if target.exists and tables:
        raise Conflict(
            f"there is a database {into!r} already, and only some tables are to be restored",
            "Restore them into a new database, and copy the rows that you need from there.",
        )
    if target.exists and not replace:
        raise Conflict(f"there is a database {into!r} already", "Name another, or allow to replace this one.")


def _create(client: Client, name: str, backup: Backup, target: Target) -> tuple[str, ...]:
    """Make an empty database like the source; returns what could not be as it was there."""
    source = backup.source
    sql = f"create database {identifier(name)} template template0 encoding {literal(source.encoding)}"
    if target.owner:
        sql += f" owner {identifier(target.owner)}"
    try:
        client.ask(sql + clauses(source, major(target.server_version)), database=_beside(name))
    except Unavailable as error:
        if not any(word in error.fact for word in _NO_SUCH_ORDER):
            raise
        client.ask(sql, database=_beside(name))
        return (f"the server has no locale {described(source)}: texts are sorted as is usual there",)
    return ()


@dataclass(frozen=True, slots=True)
class _Filling:
    """A new, empty database and the archive that is to be in it."""

    client: Client
    tools: Tools
    backup: Backup
    path: Path
    database: str

    def fill(self, selection: Selection | None, *, owners: bool, on_share: OnShare) -> None:
        """Everything, or what is selected except foreign keys; ends at the first error."""
        options = ["--exit-on-error"] + ([] if owners else ["--no-owner", "--no-privileges"])
        read = self._restore(options, selection.body if selection else "", on_share)
        if selection is None:
            compare(read, self.backup.fingerprint)

    def foreign_keys(self, selection: Selection) -> tuple[str, ...]:
        """Make those that the restored rows allow; returns a note of the others, if there are any."""
        # Because a key that points to rows which were not asked for is not an error here.
        with suppress(Unavailable):
            self._restore([], selection.foreign_keys, lambda _: None)
        made = set(self.client.ask(_FOREIGN_KEYS, database=self.database).splitlines())
        left = sorted(set(selection.wanted_keys) - made)
        return (
            f"foreign keys left out, because rows they need were not restored: {'; '.join(left)}",
        ) * bool(left)

    def _restore(self, options: list[str], only: str, on_share: OnShare) -> Fingerprint:
        """Feed pg_restore with the archive; returns what was read of it. `only` is its --use-list."""
        program = self.tools.program("pg_restore")
        with tempfile.NamedTemporaryFile("w", encoding="utf-8") as use_list, reading(self.path) as archive:
            use_list.write(only)
            use_list.flush()
            options = ["--format=custom", *options, *([f"--use-list={use_list.name}"] if only else [])]
            with self.client.run(
                program, *options, database=self.database, stdin=subprocess.PIPE
            ) as pg_restore:
                # Because pg_restore says itself, and better, why it has stopped to listen.
                with suppress(BrokenPipeError), pg_restore.stdin as pipe:
                    for raw in archive.chunks():
                        pipe.write(raw)
                        share = archive.read_bytes / self.backup.size_bytes
                        on_share(min(_VERIFIED_SHARE + share * (1 - _VERIFIED_SHARE), 1.0))
                pg_restore.finish()
            return archive.fingerprint()


def _name(client: Client, passing: str, into: str, former: str | None) -> None:
    """Give the database its name; one that has it now is disconnected from everybody and renamed."""
    sql = f"alter database {identifier(passing)} rename to {identifier(into)}"
    if former is None:
        client.ask(sql, database=_beside(into))
        return
    away = f"alter database {identifier(into)} rename to {identifier(former)}"
    both = f"{_DISCONNECT.format(name=literal(into))}; {away}; {sql}"
    for left in reversed(range(_SWAPS)):
        try:
            client.ask(both, database=_beside(into))
        except Unavailable as error:
            # Because an application connects again at once, and may be faster than the renaming.
            if not left or "accessed by other users" not in error.fact:
                raise
        else:
            return


def _former(into: str, mark: str) -> str:
    ending = f"_before_{mark}"
    room = LONGEST_NAME_BYTES - len(ending)
    return into.encode()[:room].decode(errors="ignore") + ending


def _beside(database: str) -> str:
    """A database to be connected to while another is made, renamed or dropped."""
    return "template1" if database == "postgres" else "postgres"
