"""python -m app backup."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from typing import Annotated, Any

import typer

from ..core.errors import NotFound
from ..services.backup_system import BackupSystem
from .printing import Json, print_json, show
from .towers import open_tower, operator, tower

backup = typer.Typer(no_args_is_help=True, help="Verified PostgreSQL backups.")


@backup.command("run")
def run(as_json: Json = False) -> None:
    """Make a backup now and wait for it."""
    system = open_tower().backup
    begun = system.request(reason=f"by {operator()} on the command line")
    try:
        document = system.wait(begun["id"], deadline_seconds=24 * 3600)
    except KeyboardInterrupt:
        system.stop()
        raise
    show(document, as_json)
    if document["state"] == "failed":
        raise typer.Exit(1)


@backup.command("status")
def status(as_json: Json = False) -> None:
    """The catalogue, the last good one, what is running."""
    show(tower().backup.status(), as_json)


@backup.command("list")
def list_(as_json: Json = False) -> None:
    """Every backup, newest first."""
    found = tower().backup.status()["backups"]
    if as_json:
        print_json(found)
        return
    for one in found:
        typer.echo(f"{one['id']}  {one['state']:<8} {one['size_bytes']:>14,} bytes")
    if not found:
        typer.echo("no backups")


@backup.command("verify")
def verify(
    backup_id: Annotated[str | None, typer.Argument(help="All, when none is named.")] = None,
    as_json: Json = False,
) -> None:
    """Read files again; exit code 1 when one is not what its manifest says."""
    document = tower().backup.verify(backup_id)
    show(document, as_json)
    if not all(result["ok"] for result in document["results"]):
        raise typer.Exit(1)


@backup.command("restore")
def restore(
    backup_id: Annotated[str | None, typer.Argument(help="The last good one, when none is named.")] = None,
    into: Annotated[str, typer.Option(help="Database to restore into; made when it is not there.")] = "",
    replace: Annotated[bool, typer.Option(help="Allow an existing database to be replaced.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    dry_run: Annotated[bool, typer.Option(help="Only show what would happen.")] = False,
    as_json: Json = False,
) -> None:
    """Restore into a named database, after showing what will happen."""
    system = open_tower().backup
    chosen = backup_id or _last_good(system.status())
    target = into or f"restored_{time.strftime('%Y%m%d_%H%M%S')}"
    plan = system.plan_restore(chosen, into=target)
    if not as_json or dry_run:
        show(plan, as_json)
    if dry_run:
        return
    if not yes and typer.prompt(f"Type the database's name to restore into it ({target})") != target:
        typer.echo("not confirmed: nothing was done", err=True)
        raise typer.Exit(2)
    show(_restored(system, chosen, target, replace=replace), as_json)


def _restored(system: BackupSystem, chosen: str, target: str, *, replace: bool) -> dict[str, Any]:
    """Restore with a bar on standard error, where somebody watches."""
    with typer.progressbar(
        length=100, label="Restoring", file=sys.stderr, hidden=not sys.stderr.isatty()
    ) as bar:

        def follow(share: float) -> None:
            bar.update(round(share * 100) - bar.pos)

        return system.restore(chosen, into=target, replace=replace, progress=follow)


def _last_good(document: Mapping[str, Any]) -> str:
    if document["last_good"] is None:
        raise NotFound("there is no good backup", "Make one: python -m app backup run")
    return str(document["last_good"]["id"])
