"""Whether somebody was on watch."""

from __future__ import annotations

from pathlib import Path

from app.alerts.life import Downtime, Life
from app.alerts.store import open_store
from app.core.database import Database
from app.testing import FrozenClock


def dies(database: Database, clock: FrozenClock) -> None:
    """A process leads for a minute and is killed."""
    life = Life(database, clock)
    life.beat()
    clock.advance(minutes=1)
    life.beat()
    with database.write() as connection:
        connection.execute("update life set owner = '4194305-1'")


def test_first_process_has_missed_nothing(tmp_path: Path, clock: FrozenClock) -> None:
    """There was nobody before it."""
    database = open_store(tmp_path)
    assert Life(database, clock).beat() is None
    database.close()


def test_death_is_told_with_its_window(tmp_path: Path, clock: FrozenClock) -> None:
    """From the last heartbeat until the next process began; once."""
    database = open_store(tmp_path)
    dies(database, clock)
    seen = clock.now()
    clock.advance(minutes=3)
    life = Life(database, clock)
    clock.advance(seconds=1)
    found = life.beat()
    assert found is not None
    assert (found.since, (found.until - seen).total_seconds()) == (seen, 180)
    assert life.beat() is None
    database.close()


def test_goodbye_is_no_death(tmp_path: Path, clock: FrozenClock) -> None:
    """Who stops it means it."""
    database = open_store(tmp_path)
    life = Life(database, clock)
    life.beat()
    life.end()
    clock.advance(minutes=3)
    assert Life(database, clock).beat() is None
    database.close()


def test_worker_that_takes_over_was_on_watch_all_the_time(tmp_path: Path, clock: FrozenClock) -> None:
    """It had begun before its predecessor died; that one worker died is told elsewhere."""
    database = open_store(tmp_path)
    other = Life(database, clock)
    dies(database, clock)
    assert other.beat() is None
    assert isinstance(Downtime(clock.now(), clock.now()), Downtime)
    database.close()
