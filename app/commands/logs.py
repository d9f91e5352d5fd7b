"""python -m app logs."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from ..core.errors import InputRejected
from ..logs.levels import EXPIRES_SECONDS
from ..logs.matching import MOST_RECORDS, query
from ..logs.search import pages
from ..logs.streams import FILES
from ..logs.tail import follow
from ..logs.verify import verified
from ..settings import load
from .printing import Json, Limit, print_json, show
from .towers import operator, tower

logs = typer.Typer(no_args_is_help=True, help="Structured logs.")

Type = Annotated[str, typer.Option(help=f"{', '.join(FILES)}.")]
Level = Annotated[str | None, typer.Option(help="At least this level.")]
Words = Annotated[str | None, typer.Option("--q", help="Only lines that contain this.")]
Request = Annotated[str | None, typer.Option(help="Only this request.")]
User = Annotated[str | None, typer.Option(help="Only this user.")]
Since = Annotated[str | None, typer.Option(help="Only since this time (RFC 3339).")]
Until = Annotated[str | None, typer.Option(help="Only before this time (RFC 3339).")]
Lines = Annotated[bool, typer.Option("--json", help="One line of JSON a record, for scripts.")]

_COLOURS = {"WARNING": "yellow", "ERROR": "red", "CRITICAL": "bright_red", "DEBUG": "bright_black"}


@logs.command("recent")
def recent(
    type: Type = "app",
    limit: Limit = 20,
    level: Level = None,
    q: Words = None,
    request_id: Request = None,
    user_id: User = None,
    since: Since = None,
    until: Until = None,
    as_json: Json = False,
) -> None:
    """The last records, oldest first."""
    document = tower().logger.reading.recent(
        type=type,
        limit=limit,
        level=level,
        q=q,
        request_id=request_id,
        user_id=user_id,
        since=since,
        until=until,
    )
    if as_json:
        print_json(document)
        return
    for record in reversed(document["records"]):
        _print(record)


@logs.command("search")
def search(
    type: Type = "app",
    level: Level = None,
    q: Words = None,
    request_id: Request = None,
    user_id: User = None,
    since: Since = None,
    until: Until = None,
    limit: Annotated[int | None, typer.Option(min=1, help="At most so many; without it, all.")] = None,
    as_lines: Lines = False,
) -> None:
    """Every record that matches, newest first, from the file and all of its archives."""
    asked = query(
        limit=min(limit or MOST_RECORDS, MOST_RECORDS),
        level=level, q=q, request_id=request_id, user_id=user_id, since=since, until=until,
    )  # fmt: skip
    left = limit if limit is not None else sys.maxsize
    for found in pages(_live(type), asked):
        for record in found.records[:left]:
            _print(record, as_lines)
        left -= len(found.records)
        if left <= 0:
            return


@logs.command("tail")
def tail(
    type: Type = "app",
    last: Annotated[int, typer.Option(min=0, max=MOST_RECORDS, help="Begin with so many records.")] = 10,
    level: Level = None,
    q: Words = None,
    request_id: Request = None,
    user_id: User = None,
) -> None:
    """Follow a file across rotations until interrupted: JSON lines, on a terminal coloured."""
    asked = query(level=level, q=q, request_id=request_id, user_id=user_id)
    for record in follow(_live(type), asked, last):
        _print(record, as_line=True)
        sys.stdout.flush()


@logs.command("verify")
def verify(
    type: Annotated[str | None, typer.Option(help="Only this log; without it, all.")] = None,
    as_json: Json = False,
) -> None:
    """Prove from process ids and numbers that no line is missing; exit code 1 when one is."""
    proofs = [verified(_live(name)) for name in ([type] if type is not None else FILES)]
    documents = [proof.document() for proof in proofs]
    if as_json:
        print_json(documents)
    for document in [] if as_json else documents:
        _print_proof(document)
    raise typer.Exit(not all(proof.is_complete for proof in proofs))


@logs.command("errors")
def errors(limit: Limit = 20, since: Since = None, q: Words = None, as_json: Json = False) -> None:
    """The kinds of errors in errors.log, those seen last first."""
    document = tower().logger.reading.errors(limit=limit, since=since, q=q)
    if as_json:
        print_json(document)
        return
    for group in document["errors"]:
        seen = f"{group['last_seen'][:19]}  {group['count']:>7} x  {group['fingerprint']}"
        kind = f"{group['type']}: " if group["type"] else ""
        at = f" ({group['culprit']})" if group["culprit"] else ""
        typer.echo(_visible(f"{seen}  {group['logger']}: {kind}{group['message']}{at}"))
    if not document["errors"]:
        typer.echo("no errors")


@logs.command("level")
def level(
    logger: Annotated[str | None, typer.Argument(help="A logger, like app.orders, or root.")] = None,
    new: Annotated[str | None, typer.Argument(metavar="LEVEL", help="DEBUG, INFO, ...")] = None,
    expires: Annotated[float, typer.Option(help="Seconds until it ends by itself.")] = EXPIRES_SECONDS,
    reset: Annotated[bool, typer.Option("--reset", help="Take it back now.")] = False,
    as_json: Json = False,
) -> None:
    """Show the levels that were set at run time, set one in every worker, or take it back."""
    if logger is None:
        show(tower().logger.levels.listed(), as_json)
        return
    if (new is None) is not reset:
        raise InputRejected("there is no level to set", "Give a LEVEL after the logger, or --reset.")
    page = tower().logger
    page.start()  # Because the change is told in security.log.
    try:
        show(page.levels.change(logger, new, expires, by=operator()), as_json)
    finally:
        page.stop()


def _live(type: str) -> Path:
    if type not in FILES:
        raise InputRejected(f"{type!r} is no log file", f"Choose one of {', '.join(FILES)}.")
    return load().log_folder / f"{type}.log"


def _print(record: Mapping[str, Any], as_line: bool = False) -> None:
    if as_line:
        text = json.dumps(record, ensure_ascii=False, separators=(",", ":"))
    else:
        head = f"{record.get('timestamp', ''):<27} {record.get('level', ''):<8} {record.get('logger', '')}"
        text = f"{head}: {record.get('message', '')}"
    # Because a pipe is given no colours, programs read the same as people.
    typer.secho(_visible(text), fg=_COLOURS.get(str(record.get("level"))))


def _visible(text: str) -> str:
    """Without what a terminal would obey; the file has these escaped, and decoding has brought them back."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else json.dumps(char)[1:-1] for char in text)


def _print_proof(document: Mapping[str, Any]) -> None:
    state = "complete" if document["complete"] else "NOT COMPLETE"
    counts = ", ".join(
        f"{document[name]} {name.replace('_', ' ')}"
        for name in (
            "lines",
            "processes",
            "missing",
            "dropped",
            "duplicates",
            "out_of_order",
            "torn",
            "foreign",
        )
        if document[name] or name in ("lines", "missing")
    )
    typer.echo(f"{document['file']}: {state} ({counts})")
    for gap in document["gaps"]:
        told = f", {gap['dropped']} of them dropped, as logs.dropped tells" if gap["dropped"] else ""
        typer.echo(f"  pid {gap['pid']}: {gap['first']} to {gap['last']} before {gap['before']}{told}")
