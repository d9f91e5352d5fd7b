"""python -m app backup check, cancel and retention, as an operator or a script calls them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from app.backup.catalog import Catalog
from app.backup.model import Backup
from app.backup.settings import BackupSettings
from app.cli import cli
from app.core.errors import Conflict, NotFound
from app.core.postgres import EmbeddedPostgres
from app.services.backup_system import BackupSystem
from app.testing import FrozenClock, RecordingEmit, wait_until
from tests.backup.samples import publish
from tests.backup.server import CONTENT, Server


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the backups of an application in this folder, which has no database."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BACKUP_TIMEZONE", "UTC")
    return tmp_path / "backups"


@pytest.fixture
def server(folder: Path, postgres: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """The server of that application's database `shop`."""
    server = Server(postgres)
    server.make("shop", CONTENT)
    monkeypatch.setenv("DATABASE_URL", server.url("shop"))
    yield server
    server.clean()


def made(catalog: Catalog, sequence: int, *, days_ago: int) -> Backup:
    """A good backup that began so long ago by the machine's clock, which is the commands' clock."""
    at = datetime.now(UTC) - timedelta(days=days_ago)
    backup = replace(publish(catalog, sequence), started_at=at, finished_at=at)
    catalog.rewrite(backup)
    return backup


def ran(*words: str) -> Result:
    return CliRunner().invoke(cli, ["backup", *words])


def said(*words: str, code: int = 0) -> str:
    """What a command prints."""
    result = ran(*words)
    assert result.exit_code == code, result.output
    return result.output


def told(*words: str, code: int = 0) -> Any:
    """The document that it prints for scripts."""
    return json.loads(said(*words, "--json", code=code))


def test_check_says_that_nothing_is_in_the_way(server: Server) -> None:
    """A line for each thing that was looked at, for people and for scripts; nothing is made."""
    lines = said("check").splitlines()
    assert {line.split()[0] for line in lines} <= {"ok", "warning"}
    assert any("is dumped by pg_dump" in line for line in lines)
    document = told("check")
    assert document["ok"] is True
    assert len(document["findings"]) == len(lines)


def test_check_fails_where_a_backup_would_not_be_whole(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exit code 1, and what to do, when a table may not be read or there is no server at all."""
    server.run("postgres", "drop role if exists clerk; create role clerk login")
    monkeypatch.setenv("DATABASE_URL", server.url("shop", user="clerk"))
    assert "GRANT pg_read_all_data TO clerk." in said("check", code=1)
    monkeypatch.setenv("DATABASE_URL", "postgresql://nobody@127.0.0.1:1/nothing")
    assert told("check", code=1)["ok"] is False


def test_cancel_ends_the_run_of_another_process(server: Server, folder: Path) -> None:
    """A run that hangs is ended, and its record says so; then there is nothing to be cancelled."""
    page = BackupSystem(
        BackupSettings(drill="off"), folder, server.url("shop"), FrozenClock(), RecordingEmit()
    )
    with server.locked("shop"):
        begun = page.request(reason="manual")
        wait_until(lambda: page.status()["running"], what="the run")
        document = told("cancel", begun["id"])
    assert (document["state"], document["fact"]) == ("failed", "it was cancelled")
    page.stop()
    assert isinstance(ran("cancel").exception, Conflict)
    assert isinstance(ran("cancel", "nothing-20261123T120000Z-0000").exception, NotFound)


def test_retention_shows_first_and_deletes_then(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With --dry-run nothing goes; without it what was shown is gone, the newest good ones stay."""
    monkeypatch.setenv("BACKUP_KEEP_AT_LEAST", "1")
    catalog = Catalog(folder)
    weekly = [made(catalog, 6 - week, days_ago=5 + 7 * week).id for week in reversed(range(5))]
    planned = told("retention", "--dry-run")
    assert [one["id"] for one in planned["backups"] if one["goes"]] == weekly[:1]
    assert len(catalog.read().backups) == 5
    lines = said("retention").splitlines()
    assert lines[0].startswith(f"stays  {weekly[-1]}")
    assert lines[-1].startswith(f"goes   {weekly[0]}")
    assert lines[-1].endswith("older than 30 days")
    assert [one.id for one in catalog.read().backups] == weekly[:0:-1]


def test_retention_of_nothing(folder: Path) -> None:
    """Where there is no backup that is said, and no folder is made."""
    assert said("retention", "--dry-run") == "no backups\n"
