"""python -m app backup check, retention, cancel; and how a run is followed."""

from __future__ import annotations

import sys
from typing import Annotated, Any

import typer

from ..services.backup_system import BackupSystem
from . import backup_story
from .printing import Json, print_json, show
from .towers import tower

_LOOK_SECONDS = 0.2


def cancel(
    backup_id: Annotated[str | None, typer.Argument(help="What runs now, when none is named.")] = None,
    as_json: Json = False,
) -> None:
    """End the run under way, in whichever process it is; exit code 2 when nothing runs."""
    show(tower().backup.cancel(backup_id), as_json, backup_story.run)


def check(as_json: Json = False) -> None:
    """What would keep a backup from being made or being whole; exit code 1 when something does."""
    document = tower().backup.check()
    if as_json:
        print_json(document)
    else:
        for one in document["findings"]:
            hint = f" (HINT: {one['hint']})" if one["hint"] else ""
            typer.echo(f"{one['level']:<8} {one['fact']}{hint}")
    if not document["ok"]:
        raise typer.Exit(1)


def retention(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would go.")] = False,
    as_json: Json = False,
) -> None:
    """Delete what is kept no longer, as after each good run, and tell why each goes or stays."""
    system = tower().backup
    document = system.retention() if dry_run else system.rotate()
    if as_json:
        print_json(document)
        return
    for one in document["backups"]:
        typer.echo(f"{'goes' if one['goes'] else 'stays':<6} {one['id']}  {one['state']:<8} {one['why']}")
    for name in document["without_manifest"]:
        typer.echo(f"stays  {name}  has no manifest: it is no backup of ours")
    if not document["backups"]:
        typer.echo("no backups")


def followed(system: BackupSystem, backup_id: str) -> dict[str, Any]:
    """Wait for the end of a run, with a bar where somebody watches standard error; Ctrl-C cancels it."""
    with typer.progressbar(length=100, file=sys.stderr, hidden=not sys.stderr.isatty()) as bar:
        try:
            while (document := system.wait(backup_id, _LOOK_SECONDS))["state"] == "running":
                bar.label = document["phase"].capitalize()
                bar.update(max(document["percent"] - bar.pos, 0))
        except KeyboardInterrupt:
            system.cancel(backup_id)
            raise
        bar.update(100 - bar.pos)
    return document
