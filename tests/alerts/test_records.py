"""Records are read as they were written, and of a known one only what differs is written."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from app.alerts import knowledge, store
from app.alerts.model import Alert, Told
from app.alerts.records import read, save, select
from app.core.database import Database

from .examples import NOON, fired

ALERTS = select(Alert, "from alert")


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = store.open_store(tmp_path)
    yield opened
    opened.close()


def test_record_is_read_as_it_was_written(database: Database) -> None:
    """Times, words, labels and numbers, and what is not there."""
    alert = fired(labels={"route": "/paid"}, value=3.5)
    with database.write() as connection:
        save(connection, alert)
        assert [read(Alert, row) for row in connection.execute(ALERTS)] == [alert]


def test_only_what_differs_is_written(database: Database) -> None:
    """What somebody else has changed besides stays."""
    alert = fired()
    with database.write() as connection:
        save(connection, alert)
        connection.execute("update alert set reason = 'another'")
        save(connection, replace(alert, repeats=1, seen_at=NOON), alert)
        (row,) = connection.execute(ALERTS).fetchall()
    assert read(Alert, row) == replace(alert, repeats=1, seen_at=NOON, reason="another")


def test_record_that_was_only_supposed_is_inserted(database: Database) -> None:
    """A channel that was never told of something has no row yet."""
    nothing = Told("f1", "mail")
    with database.write() as connection:
        save(connection, replace(nothing, owed="cooldown"), nothing)
        assert knowledge.told_of(connection, "f1", "mail").owed == "cooldown"
