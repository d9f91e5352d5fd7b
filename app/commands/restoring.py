"""The verbs of `backup` that bring a backup elsewhere and back: copy, fetch, restore."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from ..backup.restorer import Wish
from ..core.errors import InputRejected, NotFound
from ..services.backup_system import BackupSystem
from . import backup_story
from .printing import Json, show
from .towers import open_tower

Identity = Annotated[
    Path | None, typer.Option(help="File with the private key of an encrypted second copy (age or SSH).")
]


def copy(
    backup_id: Annotated[str | None, typer.Argument(help="The last good one, when none is named.")] = None,
    as_json: Json = False,
) -> None:
    """Copy a backup to BACKUP_OFFSITE_URL now and read it back; the application does so by itself."""
    system = open_tower().backup
    with _bar("Copying") as follow, _stopping(system):
        document = system.copy(backup_id or _last_good(system.status()), follow)
    show(document, as_json, backup_story.run)


def fetch(
    backup_id: Annotated[str, typer.Argument(help="See: backup list --offsite.")],
    identity: Identity = None,
    as_json: Json = False,
) -> None:
    """Bring a backup back from BACKUP_OFFSITE_URL into the folder of the backups."""
    system = open_tower().backup
    with _bar("Fetching") as follow:
        document = system.fetch(backup_id, identity, follow)
    show(document, as_json, backup_story.run)


def restore(
    backup_id: Annotated[str | None, typer.Argument(help="The last good one, when none is named.")] = None,
    into: Annotated[
        str,
        typer.Option(
            "--into", "--to", help="Database, SQLite file or data folder to restore into; else a new one."
        ),
    ] = "",
    at: Annotated[
        str, typer.Option(help="Point in time for a whole server, like 2026-11-23T14:05:00-03:00.")
    ] = "",
    latest: Annotated[bool, typer.Option("--latest", help="As far as its archive goes.")] = False,
    replace: Annotated[bool, typer.Option("--replace", help="Allow an existing one to be replaced.")] = False,
    backup_first: Annotated[
        bool,
        typer.Option(" /--no-backup", help="Do not back up the one that is replaced.", show_default=False),
    ] = True,
    table: Annotated[
        list[str] | None,
        typer.Option(help="Only this one's rows: name, schema.name or a pattern; repeatable."),
    ] = None,
    roles: Annotated[bool, typer.Option("--roles", help="Make roles that are missing.")] = False,
    identity: Identity = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would happen.")] = False,
    as_json: Json = False,
) -> None:
    """Restore into a database, after showing what will happen; over an existing one it asks for its name."""
    system = open_tower().backup
    moment = system.at(at) if at else None
    chosen = backup_id or _chosen(system, moment)
    if not system.is_at_hand(chosen):
        with _bar("Fetching") as follow:
            system.fetch(chosen, identity, follow)
    into = into or _new(system, chosen)
    wish = Wish(into, replace, tuple(table or ()), roles, backup_first, moment, latest)
    plan = system.plan_restore(chosen, wish)
    if not as_json or dry_run:
        show(plan, as_json, backup_story.plan)
    if dry_run:
        return
    if plan["exists"] and replace and not yes and not _confirmed(wish.into):
        typer.echo("not confirmed: nothing was done", err=True)
        raise typer.Exit(2)
    with _bar("Restoring") as follow, _stopping(system):
        document = system.restore(chosen, wish, follow)
    show(document, as_json)


def _new(system: BackupSystem, backup_id: str) -> str:
    """A name that nothing has: of a database, or of a file beside where we are."""
    backup, now = system.get(backup_id), time.strftime("%Y%m%d_%H%M%S")
    if backup["kind"] == "postgres":
        return f"restored_{now}"
    if backup["kind"] == "pgbackrest":
        return str(Path(_data_folder(system)).parent / f"restored_{now}")
    return f"{Path(backup['source']['database']).name}.restored_{now}"


def _chosen(system: BackupSystem, moment: datetime | None) -> str:
    if moment is not None:
        return str(system.backup_before(moment)["id"])
    return _last_good(system.status())


def _data_folder(system: BackupSystem) -> str:
    folder = system.status()["engine"]["data_folder"]
    if not folder:
        raise InputRejected("the server's files are on another machine", "Name a folder: --to /new/folder")
    return str(folder)


def _confirmed(name: str) -> bool:
    return bool(typer.prompt(f"Type its name to replace it ({name})") == name)


@contextmanager
def _stopping(system: BackupSystem) -> Iterator[None]:
    """Ctrl-C leaves nothing half done."""
    try:
        yield
    except KeyboardInterrupt:
        system.stop()
        raise


@contextmanager
def _bar(label: str) -> Iterator[Callable[[float], None]]:
    """A bar on standard error, where somebody watches; told the share that is done."""
    with typer.progressbar(length=100, label=label, file=sys.stderr, hidden=not sys.stderr.isatty()) as bar:
        yield lambda share: bar.update(round(share * 100) - bar.pos)


def _last_good(document: Mapping[str, Any]) -> str:
    if document["last_good"] is None:
        raise NotFound(
            "there is no good backup here", "Make one: backup run. Or fetch one: backup list --offsite."
        )
    return str(document["last_good"]["id"])
