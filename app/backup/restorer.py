"""What stands around a restore: what it will do, how long it takes, a backup of what is replaced."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ..core.clock import Clock
from ..core.errors import Unavailable
from ..core.signal import Emit
from . import report
from .catalog import ROLES, Catalog
from .client import Clients
from .estimate import expected
from .model import Backup, Failure, OnShare
from .plan import Reason
from .restore import look_at_target, refuse, restore
from .roles import needed_for, saved_roles
from .runner import Runner
from .selection import select, tables_of
from .settings import BackupSettings
from .verify import listing


@dataclass(frozen=True, slots=True)
class Wish:
    """What is asked for: a database's name, and what may be done to one that has it.

    `tables` are patterns, all tables where there are none. `roles`: missing ones are made. Of a whole server
    `into` is a folder, and it is brought to a point in time: `at`, the `latest`, else the backup's end.
    """

    into: str
    replace: bool = False
    tables: Sequence[str] = ()
    roles: bool = False
    back_up_first: bool = True
    at: datetime | None = None
    latest: bool = False


class Restorer:
    """Restores backups of the catalogue into databases of the server that `clients` lead to."""

    def __init__(
        self, clients: Clients, catalog: Catalog, settings: BackupSettings, clock: Clock, emit: Emit
    ) -> None:
        self._clients = clients
        self._catalog = catalog
        self._begin: Callable[[Clients], Runner] = lambda to: Runner(to, catalog, settings, clock, emit)

    def plan(self, backup: Backup, wish: Wish) -> dict[str, Any]:
        """What restore() would find and do; changes nothing."""
        with self._clients.open() as client:
            target = look_at_target(client, backup, wish.into)
            told = listing(self._catalog.path(backup.id), client.tools(at_least=backup.client_major))
        chosen = select(told, wish.tables).tables if wish.tables else tables_of(told)
        making = needed_for(self._roles(backup, wish), target.missing_roles)
        seconds = expected(backup, self._catalog.read().backups)
        return report.restore_plan(
            backup,
            chosen,
            target,
            into=wish.into,
            making=making,
            of_tables=len(tables_of(told)),
            expected=seconds,
            back_up_first=wish.back_up_first,
        )

    def restore(self, backup: Backup, wish: Wish, on_share: OnShare) -> dict[str, Any]:
        """As restore.restore(), after a fresh backup of a database that is to be replaced."""
        roles_sql, before = self._roles(backup, wish), None
        with self._clients.open() as client:
            target = look_at_target(client, backup, wish.into)
            refuse(target, wish.into, replace=wish.replace, tables=wish.tables)
        if target.exists and wish.back_up_first:
            before = self._back_up(wish.into)
        began, path = time.monotonic(), self._catalog.path(backup.id)
        with self._clients.open() as client:
            done = restore(
                client,
                backup,
                path,
                into=wish.into,
                replace=wish.replace,
                tables=wish.tables,
                roles_sql=roles_sql,
                on_share=on_share,
            )
        seconds = time.monotonic() - began
        return report.restored(backup, done, into=wish.into, seconds=seconds, before=before)

    def _roles(self, backup: Backup, wish: Wish) -> str:
        return saved_roles(backup, self._catalog.path(backup.id, ROLES)) if wish.roles else ""

    def _back_up(self, database: str) -> str:
        """The id of a good backup of the database as it is now; Unavailable when none can be made."""
        with self._clients.to(database) as clients:
            runner = self._begin(clients)
            running = runner.begin(Reason.BEFORE_RESTORE)
            runner.wait()
        made = self._catalog.read().find(running.id)
        if isinstance(made, Failure):
            raise Unavailable(
                f"the database {database!r} could not be backed up before it is replaced: {made.fact}",
                f"{made.hint} Or replace it without (--no-backup): it is kept by another name all the same.",
            )
        return running.id
