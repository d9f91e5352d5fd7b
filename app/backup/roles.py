"""Roles and their memberships, which a dump of one database leaves out: beside it, without passwords."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from ..core.errors import NotFound, Unavailable
from ..core.files import write_whole
from .client import Client
from .companions import RolesFile
from .model import Backup, Damaged
from .sql import identifier
from .tools import Tools

_NAME = r'("(?:[^"]|"")+"|[^\s";]+)'
_CREATE = re.compile(rf"CREATE ROLE {_NAME};")
_ALTER = re.compile(rf"ALTER ROLE {_NAME} (WITH|SET) (.*);")
_GRANT = re.compile(rf"GRANT {_NAME} TO {_NAME}( WITH .*?)?(?: GRANTED BY .*)?;")
# Because a new role has none of them anyway, and only a superuser may say so.
_NOTHING = re.compile(r"\bNO(?:SUPERUSER|CREATEROLE|CREATEDB|LOGIN|REPLICATION|BYPASSRLS)\b ?")
_DUMP_SECONDS = 120.0


def save_roles(client: Client, tools: Tools, database: str, path: Path) -> RolesFile:
    """Write every role of the server, without its password, to `path`; OSError.

    It needs no more rights than any user has. Where a server hides its roles the file is left out, and
    that is said, because a dump without them is still a backup.
    """
    options = ("--globals-only", "--no-role-passwords", f"--database={database}")
    try:
        with client.run(tools.program("pg_dumpall"), *options, seconds=_DUMP_SECONDS) as pg_dumpall:
            sql = pg_dumpall.stdout.read()
            pg_dumpall.finish()
    except (Unavailable, FileNotFoundError) as error:
        client.go_on()
        return RolesFile(unread=error.fact if isinstance(error, Unavailable) else "there is no pg_dumpall")
    write_whole(path, sql)
    return RolesFile(path.name, hashlib.sha256(sql).hexdigest())


def saved_roles(backup: Backup, path: Path) -> str:
    """The SQL beside a backup; Damaged when it is not what was written, NotFound when there is none."""
    if not backup.roles_file.file:
        why = backup.roles_file.unread or "it was made by a release that kept none"
        raise NotFound(f"there are no roles beside {backup.id}: {why}", "Create them by hand: CREATE ROLE.")
    try:
        sql = path.read_bytes()
    except OSError as error:
        raise Damaged(f"its roles cannot be read: {error.strerror}") from error
    if hashlib.sha256(sql).hexdigest() != backup.roles_file.sha256:
        raise Damaged("its roles are not what was written")
    return sql.decode(errors="replace")


def needed_for(sql: str, wanted: Iterable[str]) -> list[str]:
    """Those of `wanted` that `sql` can make, and the roles that these are members of, however deep."""
    lines = sql.splitlines()
    known = {_plain(found[1]) for line in lines if (found := _CREATE.fullmatch(line))}
    groups = [(_plain(one[1]), _plain(one[2])) for line in lines if (one := _GRANT.fullmatch(line))]
    needed = set(wanted) & known
    while more := {group for group, member in groups if member in needed and group in known} - needed:
        needed |= more
    return sorted(needed)


def statements(sql: str, names: Iterable[str]) -> list[str]:
    """What makes the roles of these names, with their attributes, settings and memberships."""
    making = set(names)
    return [made for line in sql.splitlines() for made in _made(line, making)]


def create_roles(client: Client, sql: str, names: Iterable[str], *, beside: str) -> None:
    """Make the roles in one transaction; they cannot log in with a password until they are given one."""
    if found := statements(sql, names):
        client.ask("; ".join(found), database=beside)


def drop_roles(client: Client, names: Iterable[str], *, beside: str) -> None:
    """Take back what create_roles made."""
    if found := ", ".join(map(identifier, names)):
        client.ask(f"drop role if exists {found}", database=beside)


def _made(line: str, making: set[str]) -> Iterator[str]:
    if (found := _CREATE.fullmatch(line)) and _plain(found[1]) in making:
        yield line.removesuffix(";")
    elif (found := _ALTER.fullmatch(line)) and _plain(found[1]) in making:
        attributes = _NOTHING.sub("", found[3]).rstrip() if found[2] == "WITH" else found[3]
        if attributes:
            yield f"ALTER ROLE {found[1]} {found[2]} {attributes}"
    elif (found := _GRANT.fullmatch(line)) and _plain(found[2]) in making:
        # Because who granted it may not be on this server; whoever restores grants it now.
        yield f"GRANT {found[1]} TO {found[2]}{found[3] or ''}"


def _plain(name: str) -> str:
    return name[1:-1].replace('""', '"') if name.startswith('"') else name
