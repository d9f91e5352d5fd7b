"""python -m app alerts."""

from __future__ import annotations

from typing import Annotated

import typer

from ..core.signal import Category, Severity
from .printing import Json, Limit, print_json, show
from .towers import open_tower, operator, tower

alerts = typer.Typer(no_args_is_help=True, help="Alerts.")


@alerts.command("active")
def active(as_json: Json = False) -> None:
    """What is firing now."""
    document = tower().alerts.active()
    if as_json:
        print_json(document)
        return
    for alert in document["alerts"]:
        typer.echo(f"{alert['severity']:<8} {alert['id']}  {alert['title']}")
    if not document["alerts"]:
        typer.echo("no active alerts")


@alerts.command("history")
def history(limit: Limit = 50, as_json: Json = False) -> None:
    """Every step of every alert, newest first."""
    show(tower().alerts.history(limit=limit), as_json)


@alerts.command("stats")
def stats(as_json: Json = False) -> None:
    """Counts, times to acknowledge and to resolve, deliveries."""
    show(tower().alerts.stats(), as_json)


@alerts.command("raise")
def raise_(
    title: str,
    message: Annotated[str, typer.Option(help="More about it.")] = "",
    severity: Annotated[Severity, typer.Option(case_sensitive=False)] = Severity.MEDIUM,
    category: Annotated[Category, typer.Option(case_sensitive=False)] = Category.SYSTEM,
    key: Annotated[str | None, typer.Option(help="The same condition has the same key.")] = None,
    as_json: Json = False,
) -> None:
    """Raise an alert; it is durable when this returns, and the running application sends it."""
    alert = open_tower().alerts.raise_now(
        title, message=message, severity=severity, category=category, key=key, source="cli"
    )
    show(alert, as_json)


@alerts.command("resolve")
def resolve(alert_id: str, reason: str = "", as_json: Json = False) -> None:
    """Say that it is over."""
    show(open_tower().alerts.resolve(alert_id, by=operator(), reason=reason), as_json)


@alerts.command("acknowledge")
def acknowledge(alert_id: str, reason: str = "", as_json: Json = False) -> None:
    """Say that somebody is on it."""
    show(open_tower().alerts.acknowledge(alert_id, by=operator(), reason=reason), as_json)


@alerts.command("silences")
def silences(as_json: Json = False) -> None:
    """Who keeps what quiet, until when."""
    show(tower().alerts.silences(), as_json)


@alerts.command("test")
def send_test(as_json: Json = False) -> None:
    """Send a real test message through every channel; exit code 1 when one fails or there is none."""
    document = open_tower().alerts.test(by=operator())
    show(document, as_json)
    raise typer.Exit(not document["ok"])
