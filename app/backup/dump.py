"""The one pass of a dump: pg_dump writes, we hash, compress, hash again and put it on the disk."""

from __future__ import annotations

import fcntl
import os
import time
from contextlib import suppress
from pathlib import Path
from typing import IO

import msgspec

from ..core.errors import Unavailable
from .archive import CHUNK_BYTES, writing
from .client import Client
from .model import Fingerprint, OnBytes, Source
from .tools import Tools

# Because a short read means that the pipe ran empty: letting it fill first saves nineteen of twenty
# reads, and a quarter of the CPU.
_REFILL_SECONDS = 0.003
_SHORT_BYTES = CHUNK_BYTES // 4

_SOURCE = """
select json_build_object(
  'database', current_database(),
  'server_version', split_part(current_setting('server_version'), ' ', 1),
  'encoding', pg_encoding_to_char(encoding),
  'collation', datcollate,
  'ctype', datctype,
  'size_bytes', pg_database_size(d.oid),
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


def dump(client: Client, tools: Tools, part: Path, lock_wait_seconds: int, on_bytes: OnBytes) -> Fingerprint:
    """Dump the client's database into the new file `part`, which is durable when this returns.

    1. pg_dump writes its custom format, uncompressed, into a pipe.
    2. The raw bytes are hashed and counted, compressed as gzip, and hashed again as a file.
    3. pg_dump's exit code is heard before anything is believed.
    4. The file is synced.
    Raises Unavailable, Stopped, or OSError when the disk does not take it.
    """
    options = ("--format=custom", "--compress=0", f"--lock-wait-timeout={lock_wait_seconds * 1000}")
    with (
        client.run(tools.program("pg_dump"), *options) as pg_dump,
        writing(part) as archive,
    ):
        _widen(pg_dump.stdout)
        while raw := os.read(pg_dump.stdout.fileno(), CHUNK_BYTES):
            archive.write(raw)
            on_bytes(archive.raw_bytes)
            if len(raw) < _SHORT_BYTES:
                time.sleep(_REFILL_SECONDS)
        pg_dump.finish()
        if not archive.raw_bytes:
            raise Unavailable("pg_dump wrote nothing", "See whether BACKUP_PG_DUMP names a real pg_dump.")
        return archive.finish()


def _widen(pipe: IO[bytes]) -> None:
    with suppress(OSError, AttributeError):  # Because a smaller pipe is slower and nothing worse.
        fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, CHUNK_BYTES)
