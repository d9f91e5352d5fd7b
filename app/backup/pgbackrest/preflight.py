"""What would keep pgBackRest from making a backup, or a restore from being possible, in plain words."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator

import msgspec

from ...core.errors import AtalaiaError, Unavailable
from ..builds import of_major
from ..client import Clients
from ..preflight import Finding, Level
from .archiving import Archiving
from .listing import Listing
from .program import PgBackRest

_SPARE = 1.1
_CHECK_SECONDS = 60.0
_SERVER = """
select json_build_object(
  'mode', current_setting('archive_mode'),
  'command', coalesce((select setting from pg_settings where name = 'archive_command'), ''),
  'archive_library', coalesce((select setting from pg_settings where name = 'archive_library'), ''),
  'is_standby', pg_is_in_recovery(),
  'checksums', current_setting('data_checksums'),
  'system_id', (select system_identifier from pg_control_system()))
"""


class Server(msgspec.Struct, frozen=True):
    """What DATABASE_URL's server says of itself; an empty `command` may be one that is not shown to us."""

    mode: str
    command: str
    archive_library: str
    is_standby: bool
    checksums: str
    system_id: int


def look(program: PgBackRest, listing: Listing, clients: Clients | None) -> list[Finding]:
    """What takes no time; an error is a reason to begin nothing."""
    checks: tuple[Callable[[], Iterator[Finding]], ...] = (
        lambda: _program(program),
        lambda: _rights(program),
        lambda: _stanza(program, listing),
        lambda: _server(clients, listing),
        lambda: _room(program, listing),
        lambda: _drill(listing),
    )
    found: list[Finding] = []
    for check in checks:
        found.extend(check())
        if found and found[-1].level is Level.ERROR:
            break  # Because what comes after would only fail for the same reason.
    return found


def look_closely(
    program: PgBackRest, listing: Listing, clients: Clients | None, archiving: Archiving
) -> list[Finding]:
    """The same, and whether a segment of the log reaches the archive: pgBackRest's own check."""
    found = look(program, listing, clients)
    if any(one.level is Level.ERROR for one in found):
        return found
    if fact := archiving.standing(fresh=True).fact:
        found.append(Finding(Level.WARNING, fact, "See the server's log and pgBackRest's."))
    try:
        program.ask("check", "--archive-timeout=20", seconds=_CHECK_SECONDS)
    except AtalaiaError as error:
        return [*found, Finding(Level.ERROR, error.fact, error.hint)]
    return [*found, Finding(Level.OK, "pgbackrest check: a segment of write-ahead log reached the archive")]


def server(clients: Clients) -> Server:
    """Unavailable when it does not answer."""
    with clients.open() as client:
        try:
            return msgspec.json.decode(client.anew().ask(_SERVER), type=Server)
        except msgspec.MsgspecError as error:
            raise Unavailable(f"the server's answer is not understood: {error}") from error


def _program(program: PgBackRest) -> Iterator[Finding]:
    try:
        version = program.version()
    except Unavailable as error:
        yield Finding(Level.ERROR, error.fact, error.hint)
        return
    yield Finding(Level.OK, f"pgBackRest {version} backs up the stanza {program.stanza.name!r}")


def _rights(program: PgBackRest) -> Iterator[Finding]:
    data = program.stanza.data_folder
    if data is None:
        yield Finding(Level.OK, "the server's files are on another host: pgBackRest reads them there")
        return
    try:
        owner = data.stat().st_uid
    except OSError as error:
        fact = f"the data folder {data} cannot be reached: {error.strerror}"
        yield Finding(Level.ERROR, fact, "Correct pg1-path, or run as the owner of that folder or as root.")
        return
    if owner != program.account.uid and not os.access(data, os.R_OK | os.X_OK):
        yield Finding(
            Level.ERROR,
            f"the data folder {data} belongs to uid {owner}, and this runs as uid {program.account.uid}",
            "Run the application as that user (postgres) or as root.",
        )


def _stanza(program: PgBackRest, listing: Listing) -> Iterator[Finding]:
    if not listing.has_stanza:
        yield Finding(
            Level.ERROR,
            f"the repository has no stanza {program.stanza.name!r} yet",
            f"As the owner of the data: pgbackrest --stanza={program.stanza.name} stanza-create",
        )
    if not program.stanza.retention:
        yield Finding(
            Level.WARNING,
            "pgBackRest keeps every backup: no repo1-retention-full is set",
            "Set it in its configuration.",
        )


def _server(clients: Clients | None, listing: Listing) -> Iterator[Finding]:
    if clients is None:
        hint = "Set it to a database of the server."
        yield Finding(
            Level.WARNING, "without DATABASE_URL archiving is not watched, nothing is compared", hint
        )
        return
    try:
        told = server(clients)
    except AtalaiaError as error:
        # Because pgBackRest has its own way to the server, which may well be open.
        yield Finding(Level.WARNING, error.fact, error.hint)
        return
    if listing.system_id and told.system_id != listing.system_id:
        fact = "DATABASE_URL leads to another server than the one whose files the stanza has"
        yield Finding(Level.ERROR, fact, "Correct DATABASE_URL or BACKUP_PGBACKREST_STANZA.")
    elif told.mode == "off":
        hint = "Set archive_mode = on and archive_command, and restart PostgreSQL (docs/backup.md)."
        yield Finding(Level.ERROR, "archive_mode is off: a backup could not be made consistent", hint)
    elif told.command and "pgbackrest" not in told.command and not told.archive_library:
        hint = "Set archive_command = 'pgbackrest --stanza=... archive-push %p' and reload PostgreSQL."
        yield Finding(Level.ERROR, "archive_command does not call pgBackRest", hint)
    if told.checksums == "off":
        hint = "pg_checksums --enable, while PostgreSQL is stopped, lets pgBackRest find damaged pages."
        yield Finding(Level.WARNING, "the server has no data checksums", hint)


def _room(program: PgBackRest, listing: Listing) -> Iterator[Finding]:
    folder = program.stanza.repo_folder
    last = max((one.size_bytes for one in listing.backups if one.physical.type == "full"), default=0)
    if folder is None or not folder.exists():
        return
    free = shutil.disk_usage(folder).free
    if free < last * _SPARE:
        fact = f"the repository's disk has {free:,} bytes left, the last full backup took {last:,}"
        yield Finding(Level.ERROR, fact, f"Make room for {folder}, or lower repo1-retention-full.")
    else:
        yield Finding(Level.OK, f"{free >> 20:,} MiB are free for the repository")


def _drill(listing: Listing) -> Iterator[Finding]:
    if listing.server_major and not of_major(listing.server_major):
        fact = f"there is no server of PostgreSQL {listing.server_major} here: backups cannot be drilled"
        yield Finding(Level.WARNING, fact, f"Install the package postgresql-{listing.server_major}.")
