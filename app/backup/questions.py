"""What is asked of a database to know what is in it; answered a line of JSON for each thing.

Only PostgreSQL's own functions are called on values, and types' own input and output: a cast that a user of
the database has defined would otherwise run with our rights.
"""

from __future__ import annotations

from enum import StrEnum

_FIRST_WITH_RECORD_HASH = 14

# Because what a session is set to changes how values are written as text, and an application's time-outs
# are not meant for us. In a transaction, so that a pooler in between cannot give us another session.
_BEGIN = """
begin isolation level repeatable read read only;{first}
select set_config(name, value, true) from (values
  ('search_path', ''), ('row_security', 'off'), ('datestyle', 'ISO, DMY'), ('timezone', 'UTC'),
  ('bytea_output', 'hex'), ('extra_float_digits', '3'), ('intervalstyle', 'postgres'),
  ('xmloption', 'content'), ('statement_timeout', '0'), ('transaction_timeout', '0'),
  ('idle_in_transaction_session_timeout', '0'), ('lock_timeout', '{lock_wait_ms}'),
  ('max_parallel_workers_per_gather', '{workers}')) wanted (name, value)
  where exists (select from pg_settings where lower(pg_settings.name) = wanted.name);
-- so that a long query ends when we are gone; other systems cannot tell
select set_config(name, '1000', true) from pg_settings
  where name = 'client_connection_check_interval' and version() ~ 'linux';
"""

# Of a database there are things of its users, things of PostgreSQL, and things of extensions, which a dump
# leaves to the extension.
_OURS = "nspname !~ '^pg_' and nspname <> 'information_schema'"
_FREE = """not exists (select from pg_depend d
    where d.classid = '{catalog}'::regclass and d.objid = {oid} and d.deptype = 'e')"""
_TABLES = """
from pg_class c join pg_namespace n on n.oid = relnamespace
where relkind = 'r' and {ours} and {free_relation} and relpersistence in ('p', 'u')
"""
# What is not logged cannot be read on a standby; a dump has that table without its rows.
_UNREAD = "relpersistence = 'u' and pg_is_in_recovery()"
_LOCKS = """
select format('lock table only %I.%I in access share mode', nspname, relname)
{tables} and not ({unread}) \\gexec
"""

# The types whose equal values are written alike and whose hash is the same on every server. Others go in as
# text: without a hash (json, xml, point), hashed by a number that a restore changes (enum, regclass), equal
# while written differently (numeric, interval, citext), or unknown to us.
_HASHED = (
    "bool,bytea,char,name,int8,int2,int4,text,oid,float4,float8,bpchar,varchar,date,time,"
    "timestamp,timestamptz,timetz,uuid,inet,cidr,macaddr,macaddr8,jsonb"
)
# A record's hash is its columns' hashes, each times a power of 31, added up. A sum of such sums would not
# notice two rows that swap the values of a column: so each row's is hashed once more.
_HASH = {
    "record": "hashint8extended(hash_record_extended({row}, 0), 0)",
    "text": "hashtextextended(({row})::text, 0)",
}
_CONTENTS = """
select case when {unread} then format('select json_build_array(%L, 0, ''0'')', nspname || '.' || relname)
else format(
  'select json_build_array(%L, count(*), coalesce(sum({hash_of_columns}), 0)::text) from only %I.%I t',
  nspname || '.' || relname,
  (select string_agg(format(
      case when value.typnamespace = 'pg_catalog'::regnamespace and value.typname = any ('{{{hashed}}}')
        then 't.%I' else 'row(t.%I)::text' end, attname), ', ' order by attnum)
    from pg_attribute
      join pg_type type on type.oid = atttypid
      left join pg_type base on base.oid = type.typbasetype
      left join pg_type element on element.typarray = coalesce(base.oid, type.oid)
      join pg_type value on value.oid = coalesce(element.oid, base.oid, type.oid)
    where attrelid = c.oid and attnum > 0 and not attisdropped),
  nspname, relname) end
{tables} order by nspname, relname \\gexec
"""

# Where a sequence stands, as one number: the one it gave last, or the one before its first. One that begins
# anew may stand anywhere.
_SEQUENCES = """
select format(
  'select json_build_array(%L, (last_value - case when is_called then 0::numeric else %s end)::text)'
    ' from %I.%I', nspname || '.' || relname, seqincrement, nspname, relname)
from pg_class c join pg_namespace n on n.oid = relnamespace join pg_sequence on seqrelid = c.oid
where {ours} and {free_relation} and not seqcycle and not ({unread}) order by nspname, relname \\gexec
"""

# In pieces of a megabyte, because a large object may be larger than any value.
_LARGE_OBJECTS = """
select json_build_array(
  (select count(*) from pg_largeobject_metadata),
  (select coalesce(sum({hash_of_piece}), 0)::text from pg_largeobject_metadata m, lateral (
    with recursive piece (number, data) as (
      select 0::int8, lo_get(m.oid, 0, 1048576)
      union all
      select number + 1, lo_get(m.oid, (number + 1) * 1048576, 1048576) from piece
        where length(data) = 1048576)
    select number, data from piece) pieces));
"""

# Functions that come with a range type are left out, because they are more since PostgreSQL 14. Not null is
# left out of constraints, because it is one since PostgreSQL 18 only; clones of a partitioned
# table's are left out, because versions differ in how many they make.
_COUNTS = """
with rel as (
  select c.oid, relkind from pg_class c join pg_namespace n on n.oid = relnamespace
  where relpersistence <> 't' and {ours} and {free_relation})
select json_build_object(
  'tables', (select count(*) from rel where relkind in ('r', 'p', 'f')),
  'views', (select count(*) from rel where relkind = 'v'),
  'materialized views', (select count(*) from rel where relkind = 'm'),
  'sequences', (select count(*) from rel where relkind = 'S'),
  'columns', (select count(*) from pg_attribute join rel on rel.oid = attrelid
    where attnum > 0 and not attisdropped and relkind in ('r', 'p', 'f', 'v', 'm')),
  'defaults', (select count(*) from pg_attrdef join rel on rel.oid = adrelid),
  'indexes', (select count(*) from pg_index join rel on rel.oid = indrelid where indisvalid or relkind = 'p'),
  'constraints', (select count(*) from pg_constraint join pg_namespace n on n.oid = connamespace
    where contype <> 'n' and conparentid = 0
    and (conrelid in (select oid from rel) or contypid <> 0 and {ours} and {free_domain})),
  'triggers', (select count(*) from pg_trigger join rel on rel.oid = tgrelid
    where not tgisinternal and tgparentid = 0),
  'policies', (select count(*) from pg_policy join rel on rel.oid = polrelid),
  'rules', (select count(*) from pg_rewrite join rel on rel.oid = ev_class where rulename <> '_RETURN'),
  'routines', (select count(*) from pg_proc p join pg_namespace n on n.oid = pronamespace
    where {ours} and {free_function} and {not_of_a_type}),
  'types', (select count(*) from pg_type t join pg_namespace n on n.oid = typnamespace
    where typtype in ('d', 'e', 'r') and {ours} and {free_type}));
"""


class Part(StrEnum):
    """The parts in which it is told what is in a database."""

    TABLES = "tables"
    SEQUENCES = "sequences"
    LARGE_OBJECTS = "large_objects"
    COUNTS = "counts"


_QUESTIONS = {
    Part.TABLES: _CONTENTS,
    Part.SEQUENCES: _SEQUENCES,
    Part.LARGE_OBJECTS: _LARGE_OBJECTS,
    Part.COUNTS: _COUNTS,
}


def method_for(server_major: int) -> str:
    """How rows are hashed on a server of that version; newer ones can do it in the same way."""
    return "record" if server_major >= _FIRST_WITH_RECORD_HASH else "text"


def begin(*, lock_wait_seconds: int = 0, workers: int = 0, first: str = "") -> str:
    """What opens the transaction in which the questions are asked; `workers` help the server to answer.

    `first` is asked before all others, because with it the snapshot is taken.
    """
    return _BEGIN.format(lock_wait_ms=lock_wait_seconds * 1000, workers=workers, first=first)


def locks() -> str:
    """What keeps every table from being emptied or dropped until the transaction ends."""
    return _LOCKS.format(tables=_TABLES.format(**_things()), unread=_UNREAD)


def question(part: Part, method: str) -> str:
    """The statements for psql that ask for one part."""
    # The row's columns are put in by the server, which knows them.
    words = {
        "hashed": _HASHED,
        "hash_of_columns": _HASH[method].format(row="row(%s)"),
        "hash_of_piece": _HASH[method].format(row="row(m.oid, number, data)"),
        "tables": _TABLES.format(**_things()),
        "unread": _UNREAD,
    }
    return _QUESTIONS[part].format(**words, **_things())


def _things() -> dict[str, str]:
    """Conditions for things of the database's users."""
    return {
        "ours": _OURS,
        "free_relation": _FREE.format(oid="c.oid", catalog="pg_class"),
        "free_function": _FREE.format(oid="p.oid", catalog="pg_proc"),
        "not_of_a_type": _FREE.format(oid="p.oid", catalog="pg_proc").replace("'e'", "'i'"),
        "free_type": _FREE.format(oid="t.oid", catalog="pg_type"),
        "free_domain": _FREE.format(oid="contypid", catalog="pg_type"),
    }
