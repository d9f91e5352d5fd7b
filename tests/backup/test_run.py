"""One run, step by step."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.backup.catalog import Catalog
from app.backup.client import Client
from app.backup.connection import parse_connection
from app.backup.model import State
from app.backup.run import Run
from app.backup.settings import BackupSettings
from app.testing import FrozenClock

from .samples import a_run, an_id, publish
from .server import CONTENT, Server


@pytest.fixture
def run(server: Server, tmp_path: Path) -> Iterator[Run]:
    """A run that has its turn, in a folder with an older backup."""
    catalog = Catalog(tmp_path)
    publish(catalog, 0, days_old=40)
    publish(catalog, 1, days_old=1)
    turn = catalog.turn()
    client = Client(parse_connection(server.url(server.make(content=CONTENT))), seconds=60)
    yield Run(a_run(2), catalog, client, BackupSettings(keep_at_least=1, drill="off"), FrozenClock())
    turn.release()


def test_run_makes_a_checked_backup(run: Run, tmp_path: Path):
    """A run ends with a checked backup that tells its source, its programs and its fingerprint."""
    made = run.make()
    assert (made.id, made.sequence, made.state) == (an_id(2), 2, State.CHECKED)
    assert (made.source.database, made.client_version.split(".")[0]) == ("shop", "18")
    assert Catalog(tmp_path).backup(made.id) == made


def test_progress_is_measured_by_the_last_one(run: Run):
    """The share that is done is told by what the last dump had; the dump is most of the run."""
    run.make()
    assert run.running.of_about_bytes == 9500
    assert (run.running.phase, run.running.percent) == ("checking", 90)


def test_rotation_deletes_what_is_too_old(run: Run, tmp_path: Path):
    """After the run, what is older than the days goes."""
    run.make()
    assert [gone.id for gone in run.rotate()] == [an_id(0)]
    assert [backup.id for backup in Catalog(tmp_path).read().backups] == [an_id(2), an_id(1)]
