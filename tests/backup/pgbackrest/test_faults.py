"""What goes wrong with pgBackRest ends in its right state and alert, and never in a false ok."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from app.core.health import Level
from app.core.signal import Condition
from app.testing import wait_until

from .plant import PROGRAM, Plant

pytestmark = [pytest.mark.kill, pytest.mark.timeout(120)]
CHECKOUT = Path(__file__).parents[3]
MAKE_ONE = """
import sys
from pathlib import Path
from app.backup.pgbackrest.settings import PgBackRestSettings
from app.backup.settings import BackupSettings
from app.core.clock import SystemClock
from app.services.backup_system import BackupSystem
backups, url, conf, program, what = sys.argv[1:]
asked = PgBackRestSettings(stanza="plant", config=Path(conf), program=program)
settings = BackupSettings(engine="pgbackrest", drill="off")
page = BackupSystem(settings, Path(backups), url, SystemClock(), lambda signal: None, pgbackrest=asked)
begun = page.drill() if what == "drill" else page.request(reason="manual", type_="full")
page.wait(begun["id"], 100)
"""


@pytest.fixture(scope="module")
def label(plant: Plant) -> str:
    """A good backup, which is there whatever happens."""
    return str(plant.back_up()["id"])


def maker(plant: Plant, what: str) -> subprocess.Popen[bytes]:
    """Another process that makes or drills a backup."""
    where = (str(plant.backups), plant.url, str(plant.folder / "conf"), str(PROGRAM), what)
    return subprocess.Popen([sys.executable, "-c", MAKE_ONE, *where], cwd=CHECKOUT)


def at_work(plant: Plant, command: str) -> list[psutil.Process]:
    """The processes of pgBackRest that do that for the plant, and its throw-away servers."""
    conf, drills = f"--config={plant.folder / 'conf'}", f"{plant.backups}/.drill/drill-"
    found = []
    for one in psutil.process_iter(["cmdline"]):
        words = one.info["cmdline"] or ()
        if (command in words and conf in words) or any(drills in word for word in words):
            found.append(one)
    return found


def kill_during(plant: Plant, what: str, command: str) -> None:
    """Begin it in another process, which is killed as soon as pgBackRest is at that command."""
    with maker(plant, what) as process:
        wait_until(lambda: at_work(plant, command), what=command, deadline=60)
        process.kill()


@contextmanager
def mode(path: Path, bits: int) -> Iterator[None]:
    """Meanwhile a folder has other rights."""
    before = path.stat().st_mode
    path.chmod(bits)
    try:
        yield
    finally:
        path.chmod(before)


def assert_failed(plant: Plant, made: dict, words: str) -> None:
    """The run is a failure that says why, an alert, and the good backup counts as before."""
    assert made["state"] == "failed", made
    assert words in made["fact"], made["fact"]
    assert plant.codes(Condition.RAISED)[-1] == "backup_failed"
    assert plant.page.status()["last_good"]
    assert plant.page.health().level is Level.DEGRADED


def test_a_process_killed_in_a_backup_leaves_nothing_of_it(plant: Plant, label: str):
    """pgBackRest ends with it, the next look records a failure, and the next backup is good."""
    kill_during(plant, "backup", "backup")
    wait_until(lambda: not at_work(plant, "backup"), what="the end of pgBackRest", deadline=30)
    failed = plant.page.status()["failed"][0]
    assert "killed" in failed["fact"]
    assert plant.codes(Condition.RAISED)[-1] == "backup_failed"
    assert plant.page.status()["last_good"]["id"] == label
    assert plant.back_up()["state"] == "checked"


def test_a_process_killed_in_a_drill_leaves_nothing_of_it(plant: Plant, label: str):
    """The backup is as good as before; the throw-away server and its folder are gone after the next look."""
    kill_during(plant, "drill", "restore")
    wait_until(lambda: not at_work(plant, "restore"), what="the end of pgBackRest", deadline=30)
    page = plant.open()
    assert page.status()["last_good"]["state"] == "checked"
    assert page.status()["running"] is None
    wait_until(lambda: not plant.left_over(), what="a clean folder", deadline=10)


def test_pgbackrest_killed_in_a_backup_is_a_failure(plant: Plant, label: str):
    """Its own death is told with the signal."""
    begun = plant.page.request(reason="manual", type_="full")
    wait_until(lambda: at_work(plant, "backup"), what="pgBackRest", deadline=30)
    for one in at_work(plant, "backup"):
        one.kill()
    assert_failed(plant, plant.page.wait(begun["id"], 60), "signal 9")


def test_a_repository_that_cannot_be_written_is_a_failure(plant: Plant, label: str):
    """On a disk that is read-only, or another's."""
    if os.geteuid() == 0 and plant.account.is_ours:
        pytest.skip("root may write everywhere")
    with mode(plant.folder / "repo" / "backup" / "plant", 0o500):
        assert_failed(plant, plant.back_up(), "Permission denied")


def test_a_repository_that_is_full_is_a_failure(plant: Plant, label: str):
    """What could not be written whole is no backup."""
    narrow = plant.folder / "narrow"
    narrow.write_text(f"#!/bin/sh\ntrap '' XFSZ; ulimit -f 200\nexec {PROGRAM} \"$@\"\n")
    narrow.chmod(0o755)
    page = plant.open(program=str(narrow), drill="off")
    assert_failed(plant, plant.back_up(page, "full"), "unable to write")


def test_without_a_stanza_nothing_is_begun(plant: Plant, label: str):
    """That it was never created is told with the command that does it."""
    stanza = plant.folder / "repo" / "backup" / "plant"
    archive = plant.folder / "repo" / "archive" / "plant"
    for path in (stanza, archive):
        path.rename(path.with_name("away"))
    try:
        made = plant.back_up()
        assert_failed_without_good(plant, made)
    finally:
        for path in (stanza, archive):
            path.with_name("away").rename(path)


def assert_failed_without_good(plant: Plant, made: dict) -> None:
    """The run is a failure whose hint is the command."""
    assert made["state"] == "failed"
    assert "stanza-create" in made["hint"]
    assert plant.codes(Condition.RAISED)[-1] == "backup_failed"


def test_a_damaged_file_is_found_and_never_proven(plant: Plant, label: str):
    """verify finds it, and a drill of it fails; mended, it counts again."""
    with plant.spoilt(f"repo/backup/plant/{label}/pg_data/base/1/1259*"):
        drilled = plant.drill(label)
        assert (drilled["state"], drilled["drill"]["outcome"]) == ("checked", "failed"), drilled["drill"]
        assert plant.codes(Condition.RAISED)[-1] == "backup_drill_failed"
        assert not plant.page.inspection.verify()["ok"]
        assert plant.page.get(label)["state"] == "damaged"
        assert "backup_damaged" in plant.codes(Condition.RAISED)
    assert plant.page.inspection.verify()["ok"]
    assert plant.page.get(label)["state"] == "checked"


def test_a_missing_piece_of_the_log_is_no_proof(plant: Plant, label: str):
    """What cannot be recovered has failed, and says which segment is missing."""
    segment = plant.page.get(label)["physical"]["wal_stop"]
    piece = next(plant.folder.glob(f"repo/archive/plant/*/*/{segment}-*"))
    piece.rename(piece.with_name("away"))
    try:
        drilled = plant.drill(label)
    finally:
        piece.with_name("away").rename(piece)
    assert drilled["drill"]["outcome"] == "failed"
    assert segment in drilled["drill"]["reason"]
