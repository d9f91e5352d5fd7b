"""The engine that drives pgBackRest, against a real PostgreSQL with a real repository."""

from __future__ import annotations

import pytest

from app.core.clock import rfc3339
from app.core.errors import InputRejected
from app.core.health import Level
from app.core.signal import Condition
from app.testing import wait_until

from .plant import Plant

pytestmark = pytest.mark.soak


def test_a_backup_is_made_verified_and_listed(plant: Plant):
    """The first is a full one, read back by pgBackRest, and in the same status as every backup."""
    assert plant.page.check()["ok"]
    made = plant.back_up()
    assert (made["state"], made["kind"], made["physical"]["type"]) == ("checked", "pgbackrest", "full")
    assert plant.page.status()["last_good"]["id"] == made["id"]
    assert plant.page.get(made["physical"]["run"])["id"] == made["id"]
    assert "backup_succeeded" in plant.codes(Condition.NOTED)
    assert plant.page.health().level is Level.OK


def test_a_type_that_is_asked_for_is_made(plant: Plant):
    """By hand any type; what is none is refused."""
    made = plant.back_up(type_="diff")
    assert (made["physical"]["type"], made["state"]) == ("diff", "checked")
    with pytest.raises(InputRejected):
        plant.back_up(type_="weekly")


def test_what_would_go_is_shown_and_the_last_good_one_stays(plant: Plant):
    """pgBackRest's own rules decide, and are told as those of files are."""
    labels = [one["id"] for one in plant.page.status()["backups"]]
    assert [one["goes"] for one in plant.page.retention()["backups"]] == [False] * len(labels)
    plant.page.rotate()
    assert [one["id"] for one in plant.page.status()["backups"]] == labels


def test_what_was_not_read_for_a_week_is_read_again(plant: Plant):
    """The leader has everything verified once more, in the background, and then lets it be."""
    plant.clock.advance(days=8)
    plant.page._engine.watch()
    plant.page._engine._runs.wait()
    read_at = {one["rechecked_at"] for one in plant.page.status()["backups"]}
    assert read_at == {rfc3339(plant.clock.now())}
    plant.clock.advance(days=2)
    plant.page._engine.watch()
    assert plant.page.status()["running"] is None


def test_archiving_that_fails_is_an_alert(plant: Plant):
    """An archive_command that fails for longer than it may is told, and told again when it works."""
    plant.ask("alter system set archive_command = 'false'", "select pg_reload_conf()")
    plant.ask("create table if not exists t (a int)", "select pg_switch_wal()")
    archiving = plant.page._engine._parts.archiving
    wait_until(lambda: archiving.standing(fresh=True).fact, what="a failure", deadline=30)
    plant.clock.advance(seconds=400)
    archiving.watch()
    assert plant.codes(Condition.RAISED)[-1:] == ["backup_archiving_fails"]
    plant.ask("alter system reset archive_command", "select pg_reload_conf()", "select pg_switch_wal()")
    wait_until(lambda: not archiving.standing(fresh=True).fact, what="archiving", deadline=90)
    archiving.watch()
    assert plant.codes(Condition.CLEARED)[-1] == "backup_archiving_fails"


def test_a_damaged_repository_is_found(plant: Plant):
    """verify names the backup with a changed file, though pgBackRest's exit code is 0 for it."""
    with plant.spoilt("repo/backup/plant/*F/pg_data/base/1/1259*"):
        told = plant.page.inspection.verify()
    assert not told["ok"]
    bad = [one["id"] for one in told["results"] if not one["ok"]]
    assert plant.page.get(bad[0])["state"] == "damaged"
    assert "backup_damaged" in plant.codes(Condition.RAISED)
