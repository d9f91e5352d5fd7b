"""python -m app backup."""

from __future__ import annotations

from typing import Annotated

import typer

from . import backup_story, keeping, restoring
from .printing import Json, print_json, show
from .towers import open_tower, operator, tower

backup = typer.Typer(no_args_is_help=True, help="Verified PostgreSQL backups.")


@backup.command("run")
def run(
    type_: Annotated[str, typer.Option("--type", help="With pgBackRest: full, diff or incr.")] = "",
    as_json: Json = False,
) -> None:
    """Make a backup now and wait for it."""
    system = open_tower().backup
    begun = system.request(reason=f"by {operator()} on the command line", type_=type_)
    document = keeping.followed(system, begun["id"])
    show(document, as_json, backup_story.run)
    if document["state"] == "failed":
        raise typer.Exit(1)


@backup.command("sqlite")
def sqlite(
    name: Annotated[str | None, typer.Argument(help="As in BACKUP_SQLITE; all, when none is named.")] = None,
    as_json: Json = False,
) -> None:
    """Back up SQLite files now."""
    system = open_tower().backup
    reason = f"by {operator()} on the command line"
    for one in [name] if name else system.sqlite_files:
        show(system.back_up_sqlite(one, reason=reason), as_json, backup_story.run)
    if not name and not system.sqlite_files:
        typer.echo("no SQLite files: see BACKUP_SQLITE and BACKUP_OWN_STATE")


@backup.command("status")
def status(as_json: Json = False) -> None:
    """The last good one, what runs, what failed, what is next, and every backup."""
    show(tower().backup.status(), as_json, backup_story.status)


@backup.command("list")
def list_(
    offsite: Annotated[bool, typer.Option("--offsite", help="Those of BACKUP_OFFSITE_URL.")] = False,
    as_json: Json = False,
) -> None:
    """Every backup, newest first."""
    system = tower().backup
    found = system.second_copies() if offsite else system.status()["backups"]
    if as_json:
        print_json(found)
        return
    for line in backup_story.catalogue(found):
        typer.echo(line)


@backup.command("verify")
def verify(
    backup_id: Annotated[str | None, typer.Argument(help="All, when none is named.")] = None,
    as_json: Json = False,
) -> None:
    """Read files again; exit code 1 when one is not what its manifest says."""
    document = tower().backup.inspection.verify(backup_id)
    show(document, as_json)
    if not all(result["ok"] for result in document["results"]):
        raise typer.Exit(1)


@backup.command("drill")
def drill(
    backup_id: Annotated[str | None, typer.Argument(help="The last good one, when none is named.")] = None,
    as_json: Json = False,
) -> None:
    """Restore into a throw-away server and compare; exit code 1 unless it is proven or restored."""
    system = open_tower().backup
    begun = system.drill(backup_id)
    document = keeping.followed(system, begun["id"])
    show(document, as_json, backup_story.run)
    if not document["drill"] or document["drill"]["outcome"] not in {"proven", "restored"}:
        raise typer.Exit(1)


backup.command("check")(keeping.check)
backup.command("cancel")(keeping.cancel)
backup.command("retention")(keeping.retention)
backup.command("copy")(restoring.copy)
backup.command("fetch")(restoring.fetch)
backup.command("restore")(restoring.restore)
