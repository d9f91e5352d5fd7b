"""The preflight's questions to the real ones: the server, the programs that are installed, the disks."""

from __future__ import annotations

import re
import shutil
from contextlib import suppress
from pathlib import Path

import msgspec
from msgspec import structs

from ..core.errors import Unavailable
from .builds import builds, fitting
from .client import Client
from .model import Backup, NotDrillable, major
from .preflight import Finding, Ground, Level, Means, findings
from .session import session

# Because a value of so many bytes is so many chunks of its TOAST table, and a bytea doubles as text,
# one beyond half of PostgreSQL's gigabyte cannot be dumped.
LARGE_BYTES = 500 << 20
_CHUNK_BYTES = 1996
_SAMPLED_PAGES = 300
_GROUND = """
with tables as materialized (
  select c.oid, c.relkind, c.reltoastrelid, format('%s.%s', n.nspname, c.relname) as name, n.oid as schema
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where c.relkind in ('r', 'p', 'm', 'S') and n.nspname <> 'information_schema' and n.nspname !~ '^pg_'
    and not exists (select from pg_depend where objid = c.oid and deptype = 'e')),
hidden as (
  select name from tables where relkind <> 'S' and row_security_active(oid) order by name limit 5),
unreadable as (
  select name from tables where relkind <> 'm' and (not has_schema_privilege(schema, 'usage')
    or case relkind when 'S' then not has_sequence_privilege(oid, 'select')
       else not has_table_privilege(oid, 'select') end)
  order by name limit 5),
unreadable_large_objects as (
  select from pg_largeobject_metadata, pg_roles me
  where me.rolname = current_user and not me.rolsuper and current_setting('lo_compat_privileges') = 'off'
    and not pg_has_role(lomowner, 'usage')
    and not exists (
      select from aclexplode(lomacl) where privilege_type = 'SELECT'
        and (grantee = 0 or pg_has_role(grantee, 'usage')))
  limit 1000),
toasts as (
  select name, reltoastrelid::regclass as toast,
    pg_relation_size(reltoastrelid) / current_setting('block_size')::int as pages
  from tables where reltoastrelid <> 0 and pg_relation_size(reltoastrelid) > large_bytes
  order by pages desc limit 3)
select json_build_object(
  'server_version', split_part(current_setting('server_version'), ' ', 1),
  'database', current_database(),
  'size_bytes', pg_database_size(current_database()),
  'role', current_user,
  'tables', (select count(*) from tables where relkind <> 'S'),
  'hidden_by_row_security', (select coalesce(json_agg(name), '[]') from hidden),
  'unreadable', (select coalesce(json_agg(name), '[]') from unreadable),
  'unreadable_large_objects', (select count(*) from unreadable_large_objects),
  'large_toasts', (select coalesce(json_agg(json_build_array(name, toast, pages)), '[]') from toasts),
  'extensions', (select coalesce(json_agg(extname), '[]') from pg_extension where extname <> 'plpgsql'),
  'timeouts', (
    select coalesce(json_object_agg(name, setting), '{}') from pg_settings
    where name in ('statement_timeout', 'idle_in_transaction_session_timeout', 'transaction_timeout')
      and setting <> '0' and source in ('user', 'database', 'database user')),
  'is_standby', pg_is_in_recovery(),
  'standby_delay_ms', (select setting::int from pg_settings where name = 'max_standby_streaming_delay'),
  'standby_feedback', current_setting('hot_standby_feedback') = 'on')
"""
_PIDS = "\\conninfo\nselect 'asked ' || pg_backend_pid();\n"
_CONNECTED, _ASKED = (
    re.compile(r"^Backend PID\|(-?\d+)$", re.MULTILINE),
    re.compile(r"^asked (\d+)$", re.MULTILINE),
)
_TOAST = re.compile(r"pg_toast\.pg_toast_\d+")


def look_over(client: Client, folder: Path, drill_folder: Path, last: Backup | None) -> list[Finding]:
    """As look(), within a minute, and a server that cannot be reached is a finding too."""
    try:
        return look(client.anew(), folder, drill_folder, last)
    except Unavailable as error:
        return [Finding(Level.ERROR, error.fact, error.hint)]


def look(client: Client, folder: Path, drill_folder: Path, last: Backup | None) -> list[Finding]:
    """Everything that can be known beforehand; Unavailable when the server cannot be reached.

    `folder` is that of the backups, `last` the last good one.
    """
    try:
        ground = survey(client)
        return findings(ground, means(client, ground, folder, drill_folder), last)
    except msgspec.MsgspecError as error:
        # Because a server that answers otherwise than any we know may well be dumped.
        return [Finding(Level.WARNING, f"the preflight did not understand the server: {error}")]


def survey(client: Client, *, large_bytes: int = LARGE_BYTES) -> Ground:
    """Ask the server; Unavailable when it cannot be reached. Values beyond `large_bytes` are told."""
    # Because a pool of connections by statement takes no transaction, and a dump is one.
    with session(client, "begin;\n") as (asking, _):
        pids = "\n".join(asking.ask(_PIDS))
        told = asking.ask(_GROUND.replace("large_bytes", str(large_bytes)) + ";\n")
    found = msgspec.json.decode("".join(told), type=Ground)
    large = tuple(
        name for name, toast, pages in found.large_toasts if _last_byte(client, toast, pages) > large_bytes
    )
    return structs.replace(found, has_pooler=_has_pooler(pids), too_large=large)


def _has_pooler(pids: str) -> bool:
    """Whether the session that answers is another than the one that psql was told of; a newer psql knows."""
    connected, asked = _CONNECTED.search(pids), _ASKED.search(pids)
    return bool(connected and asked and connected[1] != asked[1])


def _last_byte(client: Client, toast: str, pages: int) -> int:
    """How far into its value the last piece reaches, of those on some of a TOAST table's pages."""
    if not _TOAST.fullmatch(toast):
        return 0
    places = ",".join(f'"({page * pages // _SAMPLED_PAGES},1)"' for page in range(_SAMPLED_PAGES))
    asked = f"select max(chunk_seq) from {toast} where ctid = any('{{{places}}}'::tid[])"  # noqa: S608 because no text of others is in it
    with suppress(Unavailable):  # Because only a superuser and pg_read_all_data may look into it.
        return int(client.ask(asked) or 0) * _CHUNK_BYTES
    return 0


def means(client: Client, ground: Ground, folder: Path, drill_folder: Path) -> Means:
    """Look at what is installed here and at the disks."""
    version, without = "", None
    try:
        version = client.tools(at_least=major(ground.server_version)).version
    except Unavailable as error:
        without = error
    return Means(
        version,
        without,
        _no_drill(ground, version) if version else "",
        shutil.disk_usage(_existing(folder)).free,
        shutil.disk_usage(_existing(drill_folder)).free,
    )


def _no_drill(ground: Ground, client_version: str) -> str:
    try:
        fitting(builds(), at_least=major(client_version), extensions=ground.extensions)
    except NotDrillable as error:
        return error.fact
    return ""


def _existing(folder: Path) -> Path:
    while not folder.exists():
        folder = folder.parent
    return folder
