"""The one pass of a dump: pg_dump writes, we hash, compress, hash again and put it on the disk."""

from __future__ import annotations

from pathlib import Path

import msgspec

from ..core.errors import Unavailable
from .archive import writing
from .client import Client
from .codec import GZIP, Codec
from .model import Fingerprint, OnBytes, Source
from .pour import pour
from .throttle import UNLIMITED, Throttle
from .tools import Tools

_SOURCE = """
select json_build_object(
  'database', current_database(),
  'server_version', split_part(current_setting('server_version'), ' ', 1),
  'encoding', pg_encoding_to_char(encoding),
  'collation', datcollate,
  'ctype', datctype,
  'size_bytes', pg_database_size(d.oid),
  'provider', coalesce(to_jsonb(d) ->> 'datlocprovider', 'c'),
  'locale', coalesce(to_jsonb(d) ->> 'datlocale', to_jsonb(d) ->> 'daticulocale', ''),
  'roles', (
    select coalesce(json_agg(rolname order by rolname), '[]') from pg_roles where oid in (
      select refobjid from pg_shdepend where dbid = d.oid and refclassid = 'pg_authid'::regclass
      union
      -- because pg_shdepend leaves out what belongs to the first superuser
      select relowner from pg_class c join pg_namespace n on n.oid = relnamespace
        where nspname <> 'information_schema' and nspname not like 'pg\\_%'
        and not exists (select from pg_depend where objid = c.oid and deptype = 'e'))))
from pg_database d where datname = current_database()
"""


def look_at(client: Client) -> Source:
    """The database to be dumped; Unavailable when it cannot be reached."""
    return msgspec.json.decode(client.ask(_SOURCE), type=Source)


def dump(
    client: Client,
    tools: Tools,
    part: Path,
    lock_wait_seconds: int,
    on_bytes: OnBytes,
    *,
    codec: Codec = GZIP,
    throttle: Throttle = UNLIMITED,
    snapshot: str = "",
) -> Fingerprint:
    """Dump the client's database into the new file `part`, which is durable when this returns.

    It is dumped as of now, or as of the exported `snapshot` of that name.

    1. pg_dump writes its custom format, uncompressed, into a pipe.
    2. The raw bytes are hashed and counted, compressed, and hashed again as a file.
    3. pg_dump's exit code is heard before anything is believed.
    4. The file is synced.
    Raises Unavailable, Stopped, or OSError when the disk does not take it.
    """
    options = ["--format=custom", "--compress=0", f"--lock-wait-timeout={lock_wait_seconds * 1000}"]
    options += [f"--snapshot={snapshot}"] if snapshot else []
    with (
        client.run(tools.program("pg_dump"), *options, large_pieces=True) as pg_dump,
        writing(part, codec) as archive,
    ):
        pour(pg_dump.stdout, archive, throttle, on_bytes)
        pg_dump.finish()
        if not archive.raw_bytes:
            raise Unavailable("pg_dump wrote nothing", "See whether BACKUP_PG_DUMP names a real pg_dump.")
        return archive.finish()
