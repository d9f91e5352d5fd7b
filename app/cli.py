"""python -m app <word> <verb>: the same pages from the command line (installed: atalaia <word> <verb>).

Exit codes: 0 done, 1 not as it should be, 2 the command cannot be carried out.
"""

from __future__ import annotations

import getpass
import json
import os
import sys
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from .core.errors import AtalaiaError, InputRejected, NotFound
from .core.signal import Category, Severity
from .logs.streams import FILES
from .logs.tail import follow
from .operation.monitor import ask
from .operation.reference import settings_page
from .operation.serve import run, with_running_database
from .operation.setup import set_up
from .operation.validation import check_everything
from .production.tokens import Role, new_token
from .services.backup_system import BackupSystem
from .settings import CONFIG, load
from .wiring import Tower

Json = Annotated[bool, typer.Option("--json", help="Print JSON, for scripts.")]
Limit = Annotated[int, typer.Option(min=1, max=1000, help="At most so many.")]

cli = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    # Because typer's own tracebacks are made for a developer's screen, not for a server's log.
    pretty_exceptions_enable=False,
    help="Atalaia: logs, metrics, alerts, backups.",
)
logs = typer.Typer(no_args_is_help=True, help="Structured logs.")
metrics = typer.Typer(no_args_is_help=True, help="Business metrics.")
performance = typer.Typer(no_args_is_help=True, help="Performance of host, process, requests, database.")
alerts = typer.Typer(no_args_is_help=True, help="Alerts.")
backup = typer.Typer(no_args_is_help=True, help="Verified PostgreSQL backups.")
for word in ("logs", "metrics", "performance", "alerts", "backup"):
    cli.add_typer(globals()[word], name=word)


@logs.command("recent")
def logs_recent(
    type: Annotated[str, typer.Option(help="app, errors, security, performance, business, webhook.")] = "app",
    limit: Limit = 20,
    level: Annotated[str | None, typer.Option(help="At least this level.")] = None,
    q: Annotated[str | None, typer.Option(help="Only lines that contain this.")] = None,
    request_id: Annotated[str | None, typer.Option(help="Only this request.")] = None,
    since: Annotated[str | None, typer.Option(help="Only since this time (RFC 3339).")] = None,
    as_json: Json = False,
) -> None:
    """The last records, oldest first."""
    document = _tower().logger.recent(
        type=type, limit=limit, level=level, q=q, request_id=request_id, since=since
    )
    if as_json:
        _print_json(document)
        return
    for record in reversed(document["records"]):
        typer.echo(_log_line(record))


@logs.command("tail")
def logs_tail(
    type: Annotated[str, typer.Option(help="app, errors, security, performance, business, webhook.")] = "app",
    last: Annotated[int, typer.Option(min=0, help="Begin with so many lines.")] = 10,
) -> None:
    """Follow a file across rotations until interrupted."""
    if type not in FILES:
        raise InputRejected(f"{type!r} is no log file", f"Choose one of {', '.join(FILES)}.")
    for line in follow(load().log_folder / f"{type}.log", last):
        typer.echo(line)


@metrics.command("report")
def metrics_report(
    period: Annotated[str, typer.Option(help="hour, day, week, month or year.")] = "day",
    start: Annotated[str | None, typer.Option("--from", help="Beginning, instead of a period.")] = None,
    to: Annotated[str | None, typer.Option(help="End, with --from.")] = None,
    tz: Annotated[str | None, typer.Option(help="IANA time zone.")] = None,
    as_json: Json = False,
) -> None:
    """The business dashboard of a period."""
    document = _tower().metrics.dashboard(period=period, from_=start, to=to, tz=tz)
    _print(document, as_json)


@metrics.command("record")
def metrics_record(
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
    document = _open_tower().metrics.accept([{k: v for k, v in given.items() if v is not None}])
    _print(document, as_json)
    if document["rejected"]:
        raise typer.Exit(2)


@metrics.command("export")
def metrics_export(
    format: Annotated[str, typer.Option(help="csv or jsonl.")] = "csv",
    period: Annotated[str, typer.Option(help="hour, day, week, month or year.")] = "day",
    start: Annotated[str | None, typer.Option("--from", help="Beginning, instead of a period.")] = None,
    to: Annotated[str | None, typer.Option(help="End, with --from.")] = None,
) -> None:
    """The events of a period, to standard output."""
    for block in _tower().metrics.export(format=format, period=period, from_=start, to=to):
        sys.stdout.buffer.write(block)


@metrics.command("quarantine")
def metrics_quarantine(limit: Limit = 100, as_json: Json = False) -> None:
    """The newest journal lines that were no events, with the reason of each."""
    _print(_tower().metrics.quarantine(limit=limit), as_json)


@metrics.command("rebuild")
def metrics_rebuild(as_json: Json = False) -> None:
    """Make the rollups again from the journals."""
    _print({"lines": _tower().metrics.rebuild()}, as_json)


@performance.command("current")
def performance_current(as_json: Json = False) -> None:
    """Everything measured, with thresholds and levels."""
    _print(_tower().performance.current(), as_json)


@performance.command("summary")
def performance_summary(
    hours: Annotated[float, typer.Option(help="How far back.")] = 24, as_json: Json = False
) -> None:
    """Percentiles per route, slow queries and requests, trends."""
    _print(_tower().performance.summary(hours), as_json)


@alerts.command("active")
def alerts_active(as_json: Json = False) -> None:
    """What is firing now."""
    document = _tower().alerts.active()
    if as_json:
        _print_json(document)
        return
    for alert in document["alerts"]:
        typer.echo(f"{alert['severity']:<8} {alert['id']}  {alert['title']}")
    if not document["alerts"]:
        typer.echo("no active alerts")


@alerts.command("history")
def alerts_history(limit: Limit = 50, as_json: Json = False) -> None:
    """Every step of every alert, newest first."""
    _print(_tower().alerts.history(limit=limit), as_json)


@alerts.command("stats")
def alerts_stats(as_json: Json = False) -> None:
    """Counts, times to acknowledge and to resolve, deliveries."""
    _print(_tower().alerts.stats(), as_json)


@alerts.command("raise")
def alerts_raise(
    title: str,
    message: Annotated[str, typer.Option(help="More about it.")] = "",
    severity: Annotated[Severity, typer.Option(case_sensitive=False)] = Severity.MEDIUM,
    category: Annotated[Category, typer.Option(case_sensitive=False)] = Category.SYSTEM,
    key: Annotated[str | None, typer.Option(help="The same condition has the same key.")] = None,
    as_json: Json = False,
) -> None:
    """Raise an alert; it is durable when this returns, and the running application sends it."""
    alert = _open_tower().alerts.raise_now(
        title, message=message, severity=severity, category=category, key=key, source="cli"
    )
    _print(alert, as_json)


@alerts.command("resolve")
def alerts_resolve(alert_id: str, reason: str = "", as_json: Json = False) -> None:
    """Say that it is over."""
    _print(_open_tower().alerts.resolve(alert_id, by=_operator(), reason=reason), as_json)


@alerts.command("acknowledge")
def alerts_acknowledge(alert_id: str, reason: str = "", as_json: Json = False) -> None:
    """Say that somebody is on it."""
    _print(_open_tower().alerts.acknowledge(alert_id, by=_operator(), reason=reason), as_json)


@alerts.command("silences")
def alerts_silences(as_json: Json = False) -> None:
    """Who keeps what quiet, until when."""
    _print(_tower().alerts.silences(), as_json)


@alerts.command("test")
def alerts_test(as_json: Json = False) -> None:
    """Send a real test message through every channel; exit code 1 when one fails or there is none."""
    document = _open_tower().alerts.test(by=_operator())
    _print(document, as_json)
    raise typer.Exit(not document["ok"])


@backup.command("run")
def backup_run(as_json: Json = False) -> None:
    """Make a backup now and wait for it."""
    system = _open_tower().backup
    begun = system.request(reason=f"by {_operator()} on the command line")
    try:
        document = system.wait(begun["id"], deadline_seconds=24 * 3600)
    except KeyboardInterrupt:
        system.stop()
        raise
    _print(document, as_json)
    if document["state"] == "failed":
        raise typer.Exit(1)


@backup.command("status")
def backup_status(as_json: Json = False) -> None:
    """The catalogue, the last good one, what is running."""
    _print(_tower().backup.status(), as_json)


@backup.command("list")
def backup_list(as_json: Json = False) -> None:
    """Every backup, newest first."""
    found = _tower().backup.status()["backups"]
    if as_json:
        _print_json(found)
        return
    for one in found:
        typer.echo(f"{one['id']}  {one['state']:<8} {one['size_bytes']:>14,} bytes")
    if not found:
        typer.echo("no backups")


@backup.command("verify")
def backup_verify(
    backup_id: Annotated[str | None, typer.Argument(help="All, when none is named.")] = None,
    as_json: Json = False,
) -> None:
    """Read files again; exit code 1 when one is not what its manifest says."""
    document = _tower().backup.verify(backup_id)
    _print(document, as_json)
    if not all(result["ok"] for result in document["results"]):
        raise typer.Exit(1)


@backup.command("restore")
def backup_restore(
    backup_id: Annotated[str | None, typer.Argument(help="The last good one, when none is named.")] = None,
    into: Annotated[str, typer.Option(help="Database to restore into; made when it is not there.")] = "",
    replace: Annotated[bool, typer.Option(help="Allow an existing database to be replaced.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    dry_run: Annotated[bool, typer.Option(help="Only show what would happen.")] = False,
    as_json: Json = False,
) -> None:
    """Restore into a named database, after showing what will happen."""
    system = _open_tower().backup
    chosen = backup_id or _last_good(system.status())
    target = into or f"restored_{time.strftime('%Y%m%d_%H%M%S')}"
    plan = system.plan_restore(chosen, into=target)
    if not as_json or dry_run:
        _print(plan, as_json)
    if dry_run:
        return
    if not yes and typer.prompt(f"Type the database's name to restore into it ({target})") != target:
        typer.echo("not confirmed: nothing was done", err=True)
        raise typer.Exit(2)
    _print(_restored(system, chosen, target, replace=replace), as_json)


@cli.command()
def status(
    line: Annotated[bool, typer.Option(help="One line, for cron.")] = False, as_json: Json = False
) -> None:
    """Ask the running application how it is; exit code 0 ok, 1 degraded, 2 down or silent."""
    answer = ask(load().server)
    if as_json:
        _print_json(answer.document)
    elif line:
        typer.echo(answer.line)
    else:
        _print(answer.document, as_json=False)
    raise typer.Exit(answer.exit_code)


@cli.command()
def serve() -> None:
    """Run the application on HOST, PORT and WORKERS, with a PostgreSQL of its own if it has none."""
    run(load())


@cli.command()
def setup() -> None:
    """Write config/production.env and the folders; what is there already stays."""
    for said in set_up(Path.cwd()):
        typer.echo(said)


@cli.command()
def token(
    role: Annotated[Role, typer.Argument(case_sensitive=False, help="read looks, operate looks and acts.")],
) -> None:
    """Make a token; it takes effect when its entry is added to ACCESS_TOKENS and the application restarts."""
    secret, entry = new_token(role)
    typer.echo(f"token, shown only now: {secret}")
    typer.echo(f"add to ACCESS_TOKENS in {CONFIG} (comma-separated): {entry}")


@cli.command()
def settings() -> None:
    """Print the reference of all settings (docs/SETTINGS.md)."""
    typer.echo(settings_page(), nl=False)


@cli.command()
def validate(as_json: Json = False) -> None:
    """Check every setting, folder, program, permission, database right and channel."""
    findings = check_everything(Path.cwd())
    if as_json:
        _print_json([finding.document() for finding in findings])
    else:
        for finding in findings:
            typer.echo(finding.line())
    raise typer.Exit(any(finding.is_error for finding in findings))


def main() -> None:
    """Run the command line; an error that an operator can mend is said as fact and hint."""
    try:
        cli()
    except AtalaiaError as error:
        typer.echo(f"error: {error}", err=True)
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)


def _tower() -> Tower:
    """The pages, for reading."""
    return Tower(with_running_database(load()))


def _open_tower() -> Tower:
    """The pages with their journals open, for writing."""
    tower = _tower()
    tower.open()
    return tower


def _restored(system: BackupSystem, chosen: str, target: str, *, replace: bool) -> dict[str, Any]:
    """Restore with a bar on standard error, where somebody watches."""
    with typer.progressbar(
        length=100, label="Restoring", file=sys.stderr, hidden=not sys.stderr.isatty()
    ) as bar:

        def show(share: float) -> None:
            bar.update(round(share * 100) - bar.pos)

        return system.restore(chosen, into=target, replace=replace, progress=show)


def _operator() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid:{os.getuid()}"  # Because in a container a user may have no name.


def _last_good(document: Mapping[str, Any]) -> str:
    if document["last_good"] is None:
        raise NotFound("there is no good backup", "Make one: python -m app backup run")
    return str(document["last_good"]["id"])


def _pairs(tags: Iterable[str]) -> dict[str, str]:
    pairs = [tag.partition("=") for tag in tags]
    if any(not equals for _, equals, _ in pairs):
        raise InputRejected("a tag is not name=value", "For example: --tag channel=whatsapp")
    return {name: value for name, _, value in pairs}


def _log_line(record: Mapping[str, Any]) -> str:
    head = f"{record.get('timestamp', ''):<27} {record.get('level', ''):<8} {record.get('logger', '')}"
    return f"{head}: {record.get('message', '')}"


def _print(document: Mapping[str, Any], as_json: bool) -> None:
    if as_json:
        _print_json(document)
    else:
        for said in _lines(document):
            typer.echo(said)


def _print_json(document: object) -> None:
    typer.echo(json.dumps(document, ensure_ascii=False, indent=2, default=str))


def _lines(value: object, indent: str = "") -> Iterable[str]:
    """A document as indented `name: value` lines."""
    items: Iterable[tuple[object, object]]
    if isinstance(value, Mapping):
        items = value.items()
    elif isinstance(value, list | tuple):
        items = (("-", one) for one in value)
    else:
        yield f"{indent}{value}"
        return
    for name, one in items:
        label = f"{name}:" if name != "-" else "-"
        if isinstance(one, Mapping | list | tuple) and one:
            yield f"{indent}{label}"
            yield from _lines(one, indent + "  ")
        else:
            yield f"{indent}{label} {'' if one is None or one in ({}, []) else one}"
