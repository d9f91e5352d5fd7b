"""python -m app metrics."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Annotated

import typer

from ..core.errors import InputRejected
from .printing import Json, Limit, show
from .towers import open_tower, tower

metrics = typer.Typer(no_args_is_help=True, help="Business metrics.")


@metrics.command("report")
def report(
    period: Annotated[str, typer.Option(help="hour, day, week, month or year.")] = "day",
    start: Annotated[str | None, typer.Option("--from", help="Beginning, instead of a period.")] = None,
    to: Annotated[str | None, typer.Option(help="End, with --from.")] = None,
    tz: Annotated[str | None, typer.Option(help="IANA time zone.")] = None,
    as_json: Json = False,
) -> None:
    """The business dashboard of a period."""
    document = tower().metrics.dashboard(period=period, from_=start, to=to, tz=tz)
    show(document, as_json)


@metrics.command("record")
def record(
    name: Annotated[str, typer.Argument(help="An event of the trade or of your own.")],
    key: Annotated[str | None, typer.Option(help="Counted once per key.")] = None,
    value: Annotated[float | None, typer.Option(help="A score, or the value of a custom event.")] = None,
    amount: Annotated[str | None, typer.Option(help="Money, like 120.50.")] = None,
    currency: Annotated[str | None, typer.Option(help="ISO 4217, like BRL.")] = None,
    user_id: Annotated[str | None, typer.Option(help="Whose event it is.")] = None,
    tag: Annotated[list[str] | None, typer.Option(help="name=value, repeatable.")] = None,
    as_json: Json = False,
) -> None:
    """Record one event, as POST /production/metrics/events does."""
    given = {
        "name": name,
        "key": key,
        "value": value,
        "amount": amount,
        "currency": currency,
        "user_id": user_id,
        "tags": _pairs(tag or ()),
    }
    document = open_tower().metrics.accept([{k: v for k, v in given.items() if v is not None}])
    show(document, as_json)
    if document["rejected"]:
        raise typer.Exit(2)


@metrics.command("export")
def export(
    format: Annotated[str, typer.Option(help="csv or jsonl.")] = "csv",
    period: Annotated[str, typer.Option(help="hour, day, week, month or year.")] = "day",
    start: Annotated[str | None, typer.Option("--from", help="Beginning, instead of a period.")] = None,
    to: Annotated[str | None, typer.Option(help="End, with --from.")] = None,
) -> None:
    """The events of a period, to standard output."""
    for block in tower().metrics.export(format=format, period=period, from_=start, to=to):
        sys.stdout.buffer.write(block)


@metrics.command("quarantine")
def quarantine(limit: Limit = 100, as_json: Json = False) -> None:
    """The newest journal lines that were no events, with the reason of each."""
    show(tower().metrics.quarantine(limit=limit), as_json)


@metrics.command("rebuild")
def rebuild(as_json: Json = False) -> None:
    """Make the rollups again from the journals."""
    show({"lines": tower().metrics.rebuild()}, as_json)


def _pairs(tags: Iterable[str]) -> dict[str, str]:
    pairs = [tag.partition("=") for tag in tags]
    if any(not equals for _, equals, _ in pairs):
        raise InputRejected("a tag is not name=value", "For example: --tag channel=whatsapp")
    return {name: value for name, _, value in pairs}
