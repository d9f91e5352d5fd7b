"""python -m app <word> <verb>: the same pages from the command line (installed: atalaia <word> <verb>).

Exit codes: 0 done, 1 not as it should be, 2 the command cannot be carried out.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from .commands.alerts import alerts
from .commands.backup import backup
from .commands.logs import logs
from .commands.metrics import metrics
from .commands.performance import performance
from .commands.printing import Json, print_json, show
from .core.errors import AtalaiaError
from .operation.monitor import ask
from .operation.reference import settings_page
from .operation.serve import run
from .operation.setup import set_up
from .operation.validation import check_everything
from .production.tokens import Role, new_token
from .settings import CONFIG, load

cli = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    # Because typer's own tracebacks are made for a developer's screen, not for a server's log.
    pretty_exceptions_enable=False,
    help="Atalaia: logs, metrics, alerts, backups.",
)
for word, verbs in {
    "logs": logs,
    "metrics": metrics,
    "performance": performance,
    "alerts": alerts,
    "backup": backup,
}.items():
    cli.add_typer(verbs, name=word)


@cli.command()
def status(
    line: Annotated[bool, typer.Option(help="One line, for cron.")] = False, as_json: Json = False
) -> None:
    """Ask the running application how it is; exit code 0 ok, 1 degraded, 2 down or silent."""
    answer = ask(load().server)
    if as_json:
        print_json(answer.document)
    elif line:
        typer.echo(answer.line)
    else:
        show(answer.document, as_json=False)
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
        print_json([finding.document() for finding in findings])
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
