"""python -m app alerts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from ..alerts.config import read_plan, tried_rules
from ..alerts.explain import SWITCHED_OFF, explain, supposed
from ..alerts.lanes import addressable
from ..core.clock import parse_rfc3339
from ..core.errors import InputRejected, SettingsError
from ..core.signal import Category, Severity
from ..performance.rules import shipped
from ..settings import load
from ..telling import channels_of
from . import alert_story, silencing
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
    show(tower().alerts.history(limit=limit), as_json, alert_story.history)


@alerts.command("stats")
def stats(as_json: Json = False) -> None:
    """Counts, times to acknowledge and to resolve, deliveries."""
    show(tower().alerts.stats(), as_json)


@alerts.command("rules")
def rules(
    state: Annotated[str | None, typer.Option(help="Only those that are firing, pending, off, ...")] = None,
    as_json: Json = False,
) -> None:
    """What is watched: every rule, the shipped ones too, and how it stands."""
    document = tower().alerts.rules(state)
    if as_json:
        print_json(document)
        return
    evaluated = document["evaluated_at"] or "never: nothing runs here"
    typer.echo(f"evaluated {evaluated}")
    for rule in document["rules"]:
        origin = "" if not rule["shipped"] else ", changed" if rule["changed"] else ", shipped"
        typer.echo(f"{rule['state']:<10} {rule['name']:<26} {rule['condition']}{origin}")
        for line in _conditions(rule):
            typer.echo(f"{'':<10} {line}")
    changed = [event for event in document["events"] if not event["enabled"] or event["severity"]]
    for event in changed:
        typer.echo(
            f"{'event' if event['enabled'] else 'off':<10} {event['name']:<26} {event['severity'] or ''}"
        )
    if names := [event["name"] for event in document["events"] if event["title"]]:
        typer.echo(f"and what has no threshold: {', '.join(names)}")


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


@alerts.command("show")
def show_one(alert_id: str, as_json: Json = False) -> None:
    """One alert with every step of it, and what became of each of its notices."""
    show(tower().alerts.alert(alert_id), as_json, alert_story.alert)


@alerts.command("check-config")
def check_config(
    file: Annotated[Path | None, typer.Argument(help="Another file than ALERT_CONFIG_FILE.")] = None,
) -> None:
    """Check the whole of config/alerts.yaml, its rules too; exit code 1 on mistakes."""
    settings = load()
    path = file or settings.root / settings.alerts.config_file
    try:
        plan = read_plan(path, addressable(channels_of(settings)), shipped(settings.performance))
    except SettingsError as error:
        for mistake in error.fact.split("; "):
            typer.echo(mistake, err=True)
        raise typer.Exit(1) from None
    if not path.exists():
        typer.echo(f"there is no {path}: every channel is told of everything from its own severity on")
        return
    parts = {name: getattr(plan, name) for name in type(plan).model_fields}
    said = [
        f"{len(part) if isinstance(part, tuple | dict) else 1} {name}" for name, part in parts.items() if part
    ]
    typer.echo(f"ok: {', '.join(said) or 'nothing in it'}")


@alerts.command("route-test")
def route_test(
    severity: Annotated[Severity, typer.Option(case_sensitive=False)] = Severity.MEDIUM,
    category: Annotated[Category, typer.Option(case_sensitive=False)] = Category.SYSTEM,
    label: Annotated[list[str] | None, typer.Option(help="name=value, as often as needed.")] = None,
    at: Annotated[str, typer.Option(help="When, like 2026-11-23T23:00:00-03:00; default now.")] = "",
    key: str = "example",
    source: str = "app",
    code: str = "",
    as_json: Json = False,
) -> None:
    """Say who would be told of an alert, when, and why."""
    page = tower().alerts
    now = _moment(at)
    labels = silencing.pairs(label or [])
    fields = {"key": key, "source": source, "code": code}
    alert = supposed(severity, category, now, labels, page.event_rules, **fields)
    found = explain(page.policy, alert, now) if alert is not None else SWITCHED_OFF
    if as_json:
        print_json(found)
        return
    if found["severity"] not in (None, severity):
        typer.echo(f"severity  {found['severity']}, as a rule of the file says")
    for lane in found["told"]:
        wait = f" after {lane['after_seconds']:g} s" if lane["after_seconds"] else " at once"
        typer.echo(f"told      {lane['channel']:<20}{wait}: {lane['why']}")
    for lane in found["not_told"]:
        typer.echo(f"not told  {lane['channel']:<20} {lane['why']}")
    if alert is not None and not (found["told"] or found["not_told"]):
        typer.echo("nobody is told: no channel is configured (docs/alerts.md)")
    if found["held"]:
        until = f", until {found['held']['until']}" if found["held"]["until"] else ""
        typer.echo(f"held      {found['held']['why']}{until}")
    for rung in found["escalation"]:
        typer.echo(f"escalates after {rung['after_minutes']:g} minutes to {', '.join(rung['channels'])}")


@alerts.command("test")
def send_test(as_json: Json = False) -> None:
    """Send a real test message through every channel; exit code 1 when one fails or there is none."""
    document = open_tower().alerts.test(by=operator())
    show(document, as_json)
    raise typer.Exit(not document["ok"])


@alerts.command("test-rules")
def try_rules(
    file: Annotated[Path, typer.Argument(help="Unit tests of rules, in promtool's format.")],
) -> None:
    """Try rules on series of values; exit code 1 when one does not do what is expected."""
    settings = load()
    default = settings.root / settings.alerts.config_file
    tried = tried_rules(file, default, settings.zone, shipped(settings.performance))
    for name, said in tried:
        typer.echo(f"{'FAIL' if said else 'ok  '} {name}")
        for sentence in said:
            typer.echo(f"     {sentence}")
    raise typer.Exit(any(said for _, said in tried))


def _conditions(rule: Mapping[str, Any]) -> Iterator[str]:
    """The series of a rule that are not inactive, with their values."""
    shown = [one for one in rule["series"] if one["state"] != "inactive"] or rule["series"][:1]
    for one in shown:
        labels = " ".join(f"{name}={text}" for name, text in one["labels"].items())
        value = "no value" if one["value"] is None else f"{one['value']:.4g}"
        since = f" since {one['since']}" if one["since"] else ""
        yield f"{one['state']}{since}: {value} {labels}".rstrip()


def _moment(text: str) -> datetime:
    try:
        return parse_rfc3339(text) if text else datetime.now(UTC)
    except ValueError:
        raise InputRejected(f"{text!r} is no time with a zone", "Like 2026-11-23T23:00:00-03:00.") from None


alerts.command("silences")(silencing.silences)
alerts.command("silence")(silencing.silence)
alerts.command("unsilence")(silencing.unsilence)
