"""python -m app performance."""

from __future__ import annotations

from typing import Annotated

import typer

from .printing import Json, show
from .towers import tower

performance = typer.Typer(no_args_is_help=True, help="Performance of host, process, requests, database.")


@performance.command("current")
def current(as_json: Json = False) -> None:
    """Everything measured, with thresholds and levels."""
    show(tower().performance.current(), as_json)


@performance.command("summary")
def summary(hours: Annotated[float, typer.Option(help="How far back.")] = 24, as_json: Json = False) -> None:
    """Percentiles per route, slow queries and requests, trends."""
    show(tower().performance.summary(hours), as_json)
