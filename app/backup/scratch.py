"""An empty database like a backup's source, in a scratch server of our own; who fills it is no superuser.

A dump holds code: functions of indexes, of views that are filled, of checks. Whoever restores runs it. So
schemas and extensions are made by the superuser, and everything else by a role that cannot reach the
machine from inside the server.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ..core.errors import AtalaiaError, Unavailable
from ..core.postgres_home import PORT
from ..core.postgres_scratch import SUPERUSER, scratch_postgres
from .builds import Build
from .client import Client
from .connection import Connection
from .model import Source
from .sql import identifier, literal

DATABASE, ROLE = "drill", "atalaia_drill"
_LOCKS_AT_LEAST, _CONNECTIONS = 64, 16
# Because code of a dump, which owns the database, can change what a name means in the sessions that follow.
_TRUSTED = {"options": "-c search_path=pg_catalog"}
_ROLE_IS_THERE = re.compile(r'role ".+" already exists|role name ".+" is reserved')
_GIVE = """
select format('alter schema %I owner to atalaia_drill', nspname) from pg_namespace
  where nspname !~ '^pg_' and nspname <> 'information_schema'
union all
select format('grant usage on foreign data wrapper %I to atalaia_drill', fdwname) from pg_foreign_data_wrapper
union all
select format('grant all on %s to atalaia_drill', objid::regclass) from pg_depend
  join pg_class c on c.oid = objid
  where classid = 'pg_class'::regclass and deptype = 'e' and relkind in ('r', 'p', 'v', 'S')
"""
_TAKE_BACK = """
select format('revoke all on foreign data wrapper %I from atalaia_drill', fdwname)
  from pg_foreign_data_wrapper
union all
select format('revoke all on %s from atalaia_drill', objid::regclass) from pg_depend
  join pg_class c on c.oid = objid
  where classid = 'pg_class'::regclass and deptype = 'e' and relkind in ('r', 'p', 'v', 'S')
union all
select 'alter schema public owner to '
    || case when current_setting('server_version_num')::int < 150000 then 'atalaia'
       else 'pg_database_owner' end
  from pg_namespace where nspname = 'public'
"""


@dataclass(frozen=True, slots=True)
class Scratch:
    """A running scratch server, by two ways to it: the superuser's and that of the role that restores.

    What is put into its `folder` goes with it; its data are in `data`.
    """

    superuser: Client
    role: Client
    build: Build
    folder: Path
    data: Path

    def end(self, why: AtalaiaError) -> None:
        """End what is under way, for that reason."""
        for client in (self.superuser, self.role):
            client.end(why)

    def make_database(self, source: Source) -> tuple[str, ...]:
        """Make roles and an empty database as the source has them; returns what could not be as there."""
        roles = sorted(role for role in source.roles if role != SUPERUSER and not role.startswith("pg_"))
        made = [f"create role {ROLE} login bypassrls", *(f"create role {identifier(role)}" for role in roles)]
        self.superuser.ask("; ".join(made), database="postgres")
        for number, order in enumerate(orders := self._orders(source)):
            try:
                self._create(source.encoding, order)
            except Unavailable:
                if number + 1 == len(orders):
                    raise
            else:
                return (f"the server has not the source's locale, texts are sorted by{order}",) * bool(number)
        raise AssertionError

    def give_away(self) -> None:
        """Let the role that restores make things in what the superuser has made."""
        self.superuser.ask_each(_GIVE, database=DATABASE)

    def hand_over(self, rights: Iterable[str]) -> tuple[str, ...]:
        """Give everything to whom it belonged; returns why some could not be given, which may be many.

        From here on nobody may fill anything: these statements are the superuser's.
        """
        self.superuser.ask_each(_TAKE_BACK, database=DATABASE)
        complaints = self.superuser.try_each(rights, database=DATABASE)
        refused = (one for one in complaints if not _ROLE_IS_THERE.match(one))
        return tuple(f"a right could not be given: {one}" for one in dict.fromkeys(refused))

    def _create(self, encoding: str, order: str) -> None:
        sql = (
            f"create database {DATABASE} owner {ROLE} template template0 encoding {literal(encoding)}{order}"
        )
        self.superuser.ask(sql, database="postgres")

    def _orders(self, source: Source) -> list[str]:
        """Ways to say by what texts are sorted and folded: the source's own first, then what is nearest."""
        libc = f" lc_collate {literal(source.collation)} lc_ctype {literal(source.ctype)}"
        unicode = " locale_provider builtin builtin_locale 'C.UTF-8' locale 'C'"
        has_builtin = self.build.major >= 17 and source.encoding == "UTF8"
        own = {"c": libc, "b": unicode if has_builtin else libc}.get(source.provider)
        near = [unicode] if has_builtin else [" locale 'C.UTF-8'"]
        return [order for order in [own, *near, " locale 'C'"] if order]


@contextmanager
def scratch(build: Build, server: Path, place: Path, *, seconds: float, locks: int) -> Iterator[Scratch]:
    """Run a scratch server for at most `seconds`; `locks`: so many things are made in one transaction.

    Unavailable or OSError when it cannot be started.
    """
    settings = {"max_locks_per_transaction": str(max(_LOCKS_AT_LEAST, locks // _CONNECTIONS))}
    with scratch_postgres(server, place, settings, major=build.major) as home:
        superuser, role = (
            Client(
                Connection("postgres", user=user, hosts=str(home.socket), ports=PORT, options=options),
                seconds=seconds,
                tools=[build.tools],
            )
            for user, options in ((SUPERUSER, _TRUSTED), (ROLE, {}))
        )
        yield Scratch(superuser, role, build, home.folder, home.data)
