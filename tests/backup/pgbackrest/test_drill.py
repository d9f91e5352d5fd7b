"""Drills of whole servers, with a real PostgreSQL and a real repository."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from app.backup.model import Outcome
from app.backup.pgbackrest.drill import Limits, Subject, drill
from app.core.signal import Condition

from .plant import WRITER, Plant

pytestmark = [pytest.mark.soak, pytest.mark.timeout(120)]


@contextmanager
def writers(plant: Plant) -> Iterator[None]:
    """Somebody writes to the server all the time, many times a second."""
    over = threading.Event()

    def write() -> None:
        while not over.wait(0.02):
            plant.ask(WRITER)

    thread = threading.Thread(target=write)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def test_a_server_that_is_written_to_is_proven(plant: Plant):
    """The backup is restored, recovered to the instant at which its source was read, and equal to it."""
    plant.ask("create database shop")
    with writers(plant):
        made = plant.back_up(plant.open())
    assert (made["state"], made["drill"]["outcome"]) == ("proven", "proven"), made["drill"]
    assert made["drill"]["compared"] == "snapshot"
    assert made["drill"]["restore_seconds"] > 0
    assert made["truth"]["large_objects"] == 1
    assert any("visits" in note for note in made["drill"]["notes"])
    assert plant.left_over() == []


def test_verify_leaves_what_is_proven(plant: Plant):
    """A backup whose files are read again and sound is as proven as it was."""
    assert plant.page.inspection.verify()["ok"]
    assert plant.page.status()["last_good"]["state"] == "proven"


def test_one_that_nobody_compared_is_no_more_than_restored(plant: Plant):
    """Without a way to the source every row is read, and the state says no more than that."""
    made = plant.back_up(plant.open(truth="off"))
    assert (made["state"], made["drill"]["outcome"]) == ("restored", "restored"), made["drill"]
    assert "BACKUP_TRUTH" in made["drill"]["reason"]


def changed(plant: Plant, old: str, new: str) -> str:
    """The backup that is proven, of which other things are known now than were true."""
    proven = next(one for one in plant.page.status()["backups"] if one["state"] == "proven")["id"]
    path = plant.backups / "pgbackrest" / "plant" / f"{proven}.json"
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))
    return str(proven)


def test_an_instant_that_the_log_tells_otherwise_is_no_proof_and_no_failure(plant: Plant):
    """When other transactions were committed than the snapshot showed, rows are not compared."""
    label = changed(plant, '"committed":', '"committed":1')
    drilled = plant.drill(label)
    assert (drilled["state"], drilled["drill"]["outcome"]) == ("restored", "restored"), drilled["drill"]
    assert "in the very instant" in drilled["drill"]["reason"]
    path = plant.backups / "pgbackrest" / "plant" / f"{label}.json"
    path.write_text(path.read_text().replace('"committed":1', '"committed":'))
    assert plant.drill(label)["state"] == "proven"


def test_a_difference_is_found(plant: Plant):
    """A backup that has other rows than its source had is never proven, and is an alert."""
    guests = '"postgres.public.guests":{"count":'
    drilled = plant.drill(changed(plant, guests, f"{guests}1"))
    assert (drilled["state"], drilled["drill"]["outcome"]) == ("checked", "failed")
    assert "guests" in drilled["drill"]["reason"]
    assert plant.codes(Condition.RAISED)[-1] == "backup_drill_failed"


def test_without_a_server_of_its_version_nothing_is_said_of_it(plant: Plant):
    """It is not drillable, with what to install; that says nothing about the backup."""
    backup = plant.page._engine.backup(plant.page.status()["last_good"]["id"])
    older = replace(backup, source=replace(backup.source, server_version="9.6"))
    subject = Subject(plant.page._engine._parts.program, older, None, "")
    drilled = drill(
        subject, Limits(plant.backups / ".drill", 60), plant.clock.now(), lambda: None, lambda _: None
    )
    assert drilled.outcome is Outcome.NOT_DRILLABLE
    assert "no server of PostgreSQL 9" in drilled.reason
