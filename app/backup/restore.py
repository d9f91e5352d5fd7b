"""A backup as a database again: into a new one first, which then takes the name that was asked for."""

from __future__ import annotations

import secrets
import subprocess
from contextlib import suppress
from pathlib import Path

import msgspec

from ..core.errors import Conflict, Unavailable
from ..core.guard import guard
from .archive import reading
from .client import Client
from .model import Backup, OnShare, Restored, Target, major
from .sql import LONGEST_NAME_BYTES, identifier, literal
from .tools import Tools
from .verify import compare, verify

_SWAPS = 3
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


def look_at_target(client: Client, backup: Backup, into: str) -> Target:
    """What a restore into a database of that name would find."""
    identifier(into)
    roles = literal(msgspec.json.encode(backup.source.roles).decode())
    answer = client.ask(_STATE.format(name=literal(into), roles=roles), database=_beside(into))
    return msgspec.json.decode(answer, type=Target)


def restore(
    client: Client, backup: Backup, path: Path, *, into: str, replace: bool, on_share: OnShare
) -> Restored:
    """Restore into a database of that name; whatever fails, one that was there stays as it was.

    1. A database of that name is refused, unless it is to be replaced.
    2. The file is verified to its last bit.
    3. A new database under a passing name takes the dump; pg_restore ends at its first error.
    4. The rows of every table are counted.
    5. In one transaction a former database is renamed and the new one gets the name.
    """
    target = look_at_target(client, backup, into)
    if target.exists and not replace:
        raise Conflict(f"there is a database {into!r} already", "Name another, or allow to replace this one.")
    tools = client.tools(at_least=max(backup.client_major, major(target.server_version)))
    verify(path, backup.fingerprint, lambda share: on_share(share * _VERIFIED_SHARE))
    mark = secrets.token_hex(4)
    passing = f"atalaia_restoring_{mark}"
    notes = _create(client, passing, backup, target)
    try:
        _fill(client, tools, backup, path, passing, owners=not target.missing_roles, on_share=on_share)
        rows = dict(map(msgspec.json.decode, client.ask_each(_COUNTS, database=passing)))
        former = _former(into, mark) if target.exists else None
        _name(client, passing, into, former)
    except BaseException:
        with guard("backup.restore"):
            client.anew().ask(_DROP.format(name=identifier(passing)), database=_beside(passing))
        raise
    return Restored(rows, former, notes)


def _create(client: Client, name: str, backup: Backup, target: Target) -> tuple[str, ...]:
    """Make an empty database like the source; returns what could not be as it was there."""
    source = backup.source
    sql = f"create database {identifier(name)} template template0 encoding {literal(source.encoding)}"
    if target.owner:
        sql += f" owner {identifier(target.owner)}"
    order = f" lc_collate {literal(source.collation)} lc_ctype {literal(source.ctype)}"
    try:
        client.ask(sql + order, database=_beside(name))
    except Unavailable as error:
        if "locale" not in error.fact:
            raise
        client.ask(sql, database=_beside(name))
        return (f"the server has no locale {source.collation}: texts are sorted as is usual there",)
    return ()


def _fill(
    client: Client, tools: Tools, backup: Backup, path: Path, name: str, *, owners: bool, on_share: OnShare
) -> None:
    options = ["--format=custom", "--exit-on-error"]
    if not owners:
        options += ["--no-owner", "--no-privileges"]
    program = tools.program("pg_restore")
    with (
        reading(path) as archive,
        client.run(program, *options, database=name, stdin=subprocess.PIPE) as pg_restore,
    ):
        # Because pg_restore says itself, and better, why it has stopped to listen.
        with suppress(BrokenPipeError), pg_restore.stdin as pipe:
            for raw in archive.chunks():
                pipe.write(raw)
                share = archive.read_bytes / backup.size_bytes
                on_share(min(_VERIFIED_SHARE + share * (1 - _VERIFIED_SHARE), 1.0))
        pg_restore.finish()
        compare(archive.fingerprint(), backup.fingerprint)


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
