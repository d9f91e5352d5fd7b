"""python -m app logs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from ..core.errors import InputRejected
from ..logs.streams import FILES
from ..logs.tail import follow
from ..settings import load
from .printing import Json, Limit, print_json
from .towers import tower

logs = typer.Typer(no_args_is_help=True, help="Structured logs.")


@logs.command("recent")
def recent(
    type: Annotated[str, typer.Option(help="app, errors, security, performance, business, webhook.")] = "app",
    limit: Limit = 20,
    level: Annotated[str | None, typer.Option(help="At least this level.")] = None,
    q: Annotated[str | None, typer.Option(help="Only lines that contain this.")] = None,
    request_id: Annotated[str | None, typer.Option(help="Only this request.")] = None,
    since: Annotated[str | None, typer.Option(help="Only since this time (RFC 3339).")] = None,
    as_json: Json = False,
) -> None:
    """The last records, oldest first."""
    document = tower().logger.recent(
        type=type, limit=limit, level=level, q=q, request_id=request_id, since=since
    )
    if as_json:
        print_json(document)
        return
    for record in reversed(document["records"]):
        typer.echo(_log_line(record))


@logs.command("tail")
def tail(
    type: Annotated[str, typer.Option(help="app, errors, security, performance, business, webhook.")] = "app",
    last: Annotated[int, typer.Option(min=0, help="Begin with so many lines.")] = 10,
) -> None:
    """Follow a file across rotations until interrupted."""
    if type not in FILES:
        raise InputRejected(f"{type!r} is no log file", f"Choose one of {', '.join(FILES)}.")
    for line in follow(load().log_folder / f"{type}.log", last):
        typer.echo(line)


def _log_line(record: Mapping[str, Any]) -> str:
    head = f"{record.get('timestamp', ''):<27} {record.get('level', ''):<8} {record.get('logger', '')}"
    return f"{head}: {record.get('message', '')}"
