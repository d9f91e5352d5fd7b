"""/production/backup: a backup by hand, waited for or not, and what became of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.core.postgres import EmbeddedPostgres
from app.testing import wait_until
from tests.production.served import READER, Tower

BACKUP = "/production/backup"


@pytest.fixture
def stocked(tmp_path: Path, postgres: EmbeddedPostgres) -> Iterator[Tower]:
    """A tower that watches a real database."""
    made = Tower(tmp_path, database_url=postgres.url)
    yield made
    made.stop()


def test_a_backup_is_begun_and_then_there(stocked: Tower) -> None:
    """202 with its id, where it can be followed."""
    begun = stocked.ask("POST", f"{BACKUP}/manual")
    assert (begun.status_code, begun.json()["state"]) == (202, "running")
    path = begun.headers["location"]
    assert path == f"{BACKUP}/{begun.json()['id']}"
    wait_until(lambda: stocked.ask("GET", path).json()["state"] != "running", what="its end", deadline=60)
    assert stocked.ask("GET", path).json()["reason"] == "manual"


def test_a_backup_can_be_waited_for(stocked: Tower) -> None:
    """The answer comes when it has ended, and it is the last good one."""
    ended = stocked.ask("POST", f"{BACKUP}/manual?wait=true")
    assert (ended.status_code, ended.json()["state"]) == (200, "checked")
    status = stocked.ask("GET", f"{BACKUP}/status").json()
    assert status["last_good"]["id"] == ended.json()["id"]


def test_waiting_has_an_end(stocked: Tower) -> None:
    """At the deadline the answer is how it stands: 202 again."""
    answer = stocked.ask("POST", f"{BACKUP}/manual?wait=true&deadline_seconds=0.001")
    assert (answer.status_code, answer.json()["state"]) == (202, "running")


def test_no_second_backup_is_begun_meanwhile(stocked: Tower) -> None:
    """409 says so."""
    stocked.ask("POST", f"{BACKUP}/manual")
    assert stocked.ask("POST", f"{BACKUP}/manual").status_code == 409


def test_a_button_leads_back_to_the_dashboard(stocked: Tower) -> None:
    """Which shows its progress."""
    answer = stocked.ask("POST", f"{BACKUP}/manual", headers={"Accept": "text/html"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/production/")


def test_a_backup_that_fails_is_no_success(tmp_path: Path) -> None:
    """So that `curl --fail` in a script notices."""
    tower = Tower(tmp_path, database_url="postgresql://nobody@127.0.0.1:1/nothing")
    answer = tower.ask("POST", f"{BACKUP}/manual?wait=true")
    assert answer.status_code == 503
    tower.stop()


def test_without_a_database_there_is_nothing_to_back_up(tower: Tower) -> None:
    """The status says so too."""
    assert tower.ask("POST", f"{BACKUP}/manual").status_code == 503
    assert tower.ask("GET", f"{BACKUP}/status").json()["configured"] is False


@pytest.mark.parametrize("path", ["none", "..%2f..%2fetc%2fpasswd", "status.json"])
def test_an_unknown_backup_is_not_found(tower: Tower, path: str) -> None:
    """Whatever it is called."""
    assert tower.ask("GET", f"{BACKUP}/{path}").status_code == 404


@pytest.mark.parametrize("query", ["wait=perhaps", "wait=true&deadline_seconds=0", "deadline_seconds=nan"])
def test_a_bad_parameter_begins_no_backup(stocked: Tower, query: str) -> None:
    """It is refused before anything is done."""
    assert stocked.ask("POST", f"{BACKUP}/manual?{query}").status_code == 400
    assert stocked.ask("GET", f"{BACKUP}/status").json()["running"] is None


def test_who_may_only_look_begins_no_backup(tower: Tower) -> None:
    """But sees the catalogue."""
    assert tower.ask("POST", f"{BACKUP}/manual", token=READER).status_code == 403
    assert tower.ask("GET", f"{BACKUP}/status", token=READER).status_code == 200


def test_a_backup_is_drilled_by_hand(stocked: Tower) -> None:
    """An old one too: begun with 202, or waited for until it is proven."""
    made = stocked.ask("POST", f"{BACKUP}/manual?wait=true").json()
    path = f"{BACKUP}/{made['id']}"
    assert stocked.ask("POST", f"{path}/drill", token=READER).status_code == 403
    drilled = stocked.ask("POST", f"{path}/drill?wait=true")
    assert (drilled.status_code, drilled.json()["state"]) == (200, "proven")
    begun = stocked.ask("POST", f"{path}/drill")
    assert (begun.status_code, begun.json()["phase"]) == (202, "drilling")
    assert stocked.ask("POST", f"{path}/drill").status_code == 409
    assert stocked.ask("POST", f"{BACKUP}/none/drill").status_code == 404


def test_a_run_can_be_followed(stocked: Tower) -> None:
    """Server-sent events tell its progress and at last what became of it; where nothing runs, that."""
    begun = stocked.ask("POST", f"{BACKUP}/manual").json()
    answer = stocked.ask("GET", f"{BACKUP}/{begun['id']}/progress")
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.text.split("\n")[0] in {"event: progress", "event: ended"}
    assert answer.text.rstrip().rpartition("event: ended\ndata: ")[2].startswith("{")
    assert stocked.ask("GET", f"{BACKUP}/progress").text == "event: idle\ndata: {}\n\n"


def test_what_does_not_run_cannot_be_cancelled(stocked: Tower) -> None:
    """409 for what has ended, 404 for what never was."""
    ended = stocked.ask("POST", f"{BACKUP}/manual?wait=true").json()
    assert stocked.ask("POST", f"{BACKUP}/{ended['id']}/cancel").status_code == 409
    assert stocked.ask("POST", f"{BACKUP}/none/cancel").status_code == 404
    assert stocked.ask("GET", f"{BACKUP}/none/progress").status_code == 404


def test_a_backup_can_be_checked_before(stocked: Tower) -> None:
    """What would keep it from being made is told, each with its level."""
    told = stocked.ask("GET", f"{BACKUP}/check").json()
    assert told["ok"] is True
    assert {one["level"] for one in told["findings"]} <= {"ok", "warning"}


def test_what_is_kept_is_told(stocked: Tower) -> None:
    """Which would go, which stay, and why; asking changes nothing."""
    made = stocked.ask("POST", f"{BACKUP}/manual?wait=true").json()
    plan = stocked.ask("GET", f"{BACKUP}/retention").json()
    assert [(one["id"], one["goes"]) for one in plan["backups"]] == [(made["id"], False)]
    assert plan["backups"][0]["why"].startswith("one of the 7 good ones")
