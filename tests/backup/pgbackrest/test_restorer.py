"""A whole server is brought back to a point in time, into a folder of its own."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from app.backup.restorer import Wish
from app.core.clock import rfc3339
from app.core.errors import Conflict, InputRejected, Unavailable

from .plant import Plant

pytestmark = [pytest.mark.soak, pytest.mark.timeout(120)]


@pytest.fixture(scope="module")
def label(plant: Plant) -> str:
    """A good backup."""
    return str(plant.back_up()["id"])


def test_a_point_in_time_comes_back(plant: Plant, label: str):
    """What was written before that time is there, what came after is not; what runs is untouched."""
    plant.ask("insert into guests (name) values ('before the accident')")
    at = plant.ask("select clock_timestamp(), pg_sleep(0.1)")[0][0]
    plant.ask("delete from guests", "select pg_switch_wal()")
    plant.pgbackrest("check")
    plant.clock.set(rfc3339(at + timedelta(minutes=5)))
    page, wish = plant.page, Wish(str(plant.folder / "back"), at=at)
    assert page.backup_before(at)["id"] == label
    assert page.plan_restore(label, wish)["expected_seconds"] > 0
    told = page.restore(label, wish)
    assert (told["former"], Path(told["into"]).name) == (None, "back")
    plant.account.claim(plant.folder / "other")
    plant.start(plant.folder / "back", "-o", f"-c unix_socket_directories={plant.folder / 'other'}")
    back = "select count(*), max(name) filter (where name like 'before%') from guests"
    assert plant.ask(back, socket="other") == [(2001, "before the accident")]
    assert plant.ask("show archive_mode", socket="other") == [("off",)]
    assert plant.ask("select count(*) from guests") == [(0,)]
    plant.halt(plant.folder / "back")


def test_what_is_there_is_kept(plant: Plant, label: str):
    """A folder that is not empty is refused; one that may be replaced is kept under another name."""
    page, folder = plant.page, plant.folder / "back"
    with pytest.raises(Conflict, match="not empty"):
        page.plan_restore(label, Wish(str(folder)))
    former = page.restore(label, Wish(str(folder), replace=True))["former"]
    assert Path(former, "PG_VERSION").exists()
    assert (folder / "PG_VERSION").exists()


def test_what_runs_is_never_replaced(plant: Plant, label: str):
    """The folder of a server that runs is refused, whatever is allowed."""
    with pytest.raises(Conflict, match="runs"):
        plant.page.restore(label, Wish(str(plant.folder / "data"), replace=True))


def test_times_that_cannot_be_reached_are_refused(plant: Plant, label: str):
    """Before the first backup, after the archive's end, still to come: each says what there is instead."""
    page, now = plant.page, plant.clock.now()
    with pytest.raises(InputRejected, match="before the end of the first"):
        page.backup_before(page.at("2020-01-01"))
    with pytest.raises(InputRejected, match="after the end of the archive"):
        page.plan_restore(label, Wish(str(plant.folder / "new"), at=now - timedelta(seconds=1)))
    with pytest.raises(InputRejected, match="still to come"):
        page.plan_restore(label, Wish(str(plant.folder / "new"), at=now + timedelta(days=1)))


def test_folders_that_cannot_be_used_are_refused(plant: Plant, label: str):
    """Without a parent, a file, or data that are no server's."""
    page = plant.page
    with pytest.raises(InputRejected, match="there is no folder"):
        page.plan_restore(label, Wish("/nowhere/at/all"))
    with pytest.raises(InputRejected, match="is no folder"):
        page.plan_restore(label, Wish(str(plant.folder / "conf")))
    with pytest.raises(InputRejected, match="no data of PostgreSQL"):
        page.plan_restore(label, Wish(str(plant.folder / "log"), replace=True))


def test_a_restore_that_fails_leaves_all_as_it_was(plant: Plant, label: str):
    """With a damaged file in the repository nothing new is there, and what was is back under its name."""
    folder = plant.folder / "back"
    before = {path.name for path in plant.folder.iterdir()}
    with (
        plant.spoilt("repo/backup/plant/*F/pg_data/base/1/1259*"),
        pytest.raises(Unavailable, match="restore failed"),
    ):
        plant.page.restore(label, Wish(str(folder), replace=True))
    assert {path.name for path in plant.folder.iterdir()} == before
    assert (folder / "PG_VERSION").exists()
