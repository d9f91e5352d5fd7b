"""Every good backup gets its second copy, and nobody has to look after that."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from app.backup.catalog import Catalog
from app.backup.manifest import sealed
from app.backup.model import Backup
from app.backup.offsite.courier import Courier
from app.backup.offsite.settings import OffsiteSettings
from app.backup.settings import BackupSettings
from app.core.errors import Conflict, Unavailable
from app.core.signal import Condition
from app.services.backup_system import BackupSystem
from app.testing import FrozenClock, RecordingEmit, wait_until
from tests.backup.samples import an_id, publish

from .conftest import folder_settings

CHECKOUT = Path(__file__).parents[3]
HANG = """
import sys, time
from pathlib import Path
from app.backup.catalog import Catalog
from app.backup.offsite.courier import Courier
from app.backup.offsite.settings import OffsiteSettings
from app.core.clock import SystemClock
courier = Courier(OffsiteSettings(url=sys.argv[2]), Catalog(Path(sys.argv[1])), SystemClock(), print)
courier.copy(sys.argv[3], lambda share: time.sleep(60) if share >= 0.5 else None)
"""


class Desk:
    """A catalogue, a second disk, and who carries the copies."""

    def __init__(self, folder: Path) -> None:
        self.clock, self.emit = FrozenClock(), RecordingEmit()
        self.catalog = Catalog(folder / "backups")
        self.settings = folder_settings(folder)
        self.disk = folder / "second disk"
        self.courier = self.open()

    def open(self, **more: object) -> Courier:
        """Another courier of the same catalogue, as another worker has it."""
        settings = self.settings.model_copy(update=more)
        return Courier(settings, self.catalog, self.clock, self.emit)

    def tick(self, courier: Courier | None = None) -> None:
        """What the leader does each 15 seconds, and the end of what that began."""
        courier = courier or self.courier
        courier.run_due(self.catalog.read())
        if courier._thread is not None:
            courier._thread.join(30)

    def status(self) -> dict:
        """What any worker tells."""
        told = self.open().status(self.catalog.read())
        assert told is not None
        return told

    def copied(self) -> list[str]:
        """The backups that have their copy, newest first."""
        return [one.id for one in self.catalog.read().backups if one.second_copy]

    def codes(self) -> list[tuple[str, Condition]]:
        """What was emitted."""
        return [(signal.code, signal.condition) for signal in self.emit.signals]


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """A desk without a backup."""
    return Desk(tmp_path)


def test_every_good_backup_is_copied(desk: Desk):
    """One after the other, the newest first; then there is nothing more to do."""
    for sequence in (1, 2):
        publish(desk.catalog, sequence)
    desk.tick()
    assert desk.copied() == [an_id(2)]
    assert desk.status()["missing"] == [an_id(1)]
    desk.tick()
    assert desk.copied() == [an_id(2), an_id(1)]
    names = sorted(path.name for path in desk.disk.iterdir())
    desk.tick()
    assert sorted(path.name for path in desk.disk.iterdir()) == names
    assert desk.status()["last_copied"] == an_id(2)


def test_backups_that_would_not_be_kept_are_not_copied(desk: Desk):
    """What is older than the copies' days is left where it is."""
    publish(desk.catalog, 1, days_old=91)
    desk.tick()
    assert desk.copied() == []


def test_failure_is_tried_again_with_waits(desk: Desk):
    """A disk that is not mounted is told by status, tried after 5 and 15 minutes, and made up for."""
    publish(desk.catalog)
    desk.disk.rmdir()
    desk.tick()
    told = desk.status()
    assert told["failed"]["fact"] == f"the folder {desk.disk} is not there"
    assert told["next_try_at"] == "2026-11-23T12:05:00.000000Z"
    desk.clock.advance(minutes=4)
    desk.tick()
    assert desk.status()["failed"] == told["failed"]
    desk.clock.advance(minutes=1)
    desk.tick()
    assert desk.status()["next_try_at"] == "2026-11-23T12:20:00.000000Z"
    desk.disk.mkdir()
    desk.clock.advance(minutes=15)
    desk.tick()
    assert desk.copied() == [an_id(1)]
    assert desk.status()["failed"] is None


def test_late_copy_is_said_once_and_is_over_with_the_next(desk: Desk):
    """Hours without a copy raise one alert with the reason, which the next copy ends."""
    publish(desk.catalog)
    desk.disk.rmdir()
    desk.tick()
    assert desk.codes() == []
    desk.clock.advance(hours=7)
    for _ in range(3):
        desk.tick()
    assert desk.codes() == [("backup_offsite_failed", Condition.RAISED)]
    assert "is not there" in desk.emit.signals[0].message
    assert desk.status()["late"]
    desk.disk.mkdir()
    desk.clock.advance(hours=1)
    desk.tick()
    assert desk.codes()[-1] == ("backup_offsite_failed", Condition.CLEARED)
    assert not desk.status()["late"]


def test_another_place_gets_its_own_copies(desk: Desk, tmp_path: Path):
    """When the place is changed, what is in the former one does not count."""
    publish(desk.catalog)
    desk.tick()
    (tmp_path / "third").mkdir()
    other = desk.open(url=f"file://{tmp_path}/third")
    assert [one.id for one in other.missing(desk.catalog.read())] == [an_id(1)]
    desk.tick(other)
    assert (tmp_path / "third" / f"{an_id(1)}.json").exists()


def test_manifest_is_written_when_the_run_has_ended(desk: Desk):
    """While a run holds the catalogue the copy waits to be put down, and then is."""
    publish(desk.catalog)
    turn = desk.catalog.turn()
    desk.courier.run_due(desk.catalog.read())
    wait_until((desk.disk / f"{an_id(1)}.json").exists, what="the copy")
    assert desk.copied() == []
    turn.release()
    wait_until(lambda: desk.copied() == [an_id(1)], what="the manifest")
    desk.courier.stop()


def test_no_place_no_copies(desk: Desk):
    """Without a place there is no status, nothing is late, and asking for a copy is refused."""
    courier = desk.open(url="")
    publish(desk.catalog)
    desk.clock.advance(days=2)
    desk.tick(courier)
    assert courier.status(desk.catalog.read()) is None
    assert not courier.is_late(desk.catalog.read())
    with pytest.raises(Unavailable, match="no place"):
        courier.copy(an_id(1), lambda _: None)


def test_foreign_copy_is_not_fetched(desk: Desk):
    """Where the manifest is still here, a copy of other bytes is refused."""
    backup = publish(desk.catalog)
    desk.tick()
    forged = replace(desk.catalog.backup(backup.id), sha256="0" * 64)
    (desk.disk / f"{backup.id}.json").write_bytes(sealed(forged))
    with pytest.raises(Conflict, match="another one than was made here"):
        desk.courier.fetch(backup.id, None, lambda _: None)


def test_killed_copy_is_nothing_and_is_made_again(desk: Desk):
    """SIGKILL in the middle of a copy: another worker sees that nothing runs, and completes it."""
    backup = publish(desk.catalog)
    with _hanging(desk, backup) as process:
        wait_until(lambda: desk.status()["copying"] == backup.id, what="the copy", deadline=30)
        with pytest.raises(Conflict, match="made already"):
            desk.courier.copy(backup.id, lambda _: None)
        os.kill(process.pid, signal.SIGKILL)
        process.wait(10)
    assert desk.status()["copying"] is None
    desk.tick()
    assert desk.copied() == [backup.id]


def test_stopped_copy_is_no_failure(desk: Desk):
    """A server that is stopped breaks its copy off, and the next one begins again at once."""
    publish(desk.catalog)
    desk.courier._ended.set()
    desk.tick()
    assert desk.copied() == []
    assert desk.status()["failed"] is None
    desk.tick(desk.open())
    assert desk.copied() == [an_id(1)]


def test_copy_that_takes_too_long_is_broken_off(desk: Desk):
    """Past its time a copy is ended and told as a failure."""
    publish(desk.catalog)
    desk.tick(desk.open(timeout_seconds=-1))
    assert desk.status()["failed"]["fact"] == "it was not done when its time was over"


def test_progress_is_no_secret_and_no_trouble(desk: Desk):
    """What is put up is private and plain JSON; spoilt, it is as good as none."""
    publish(desk.catalog)
    desk.disk.rmdir()
    desk.tick()
    board = desk.catalog.folder / ".offsite.json"
    assert board.stat().st_mode & 0o777 == 0o600
    assert json.loads(board.read_text())["failures"] == 1
    board.write_text("{")
    assert desk.status()["failed"] is None


def test_copy_is_followed_from_any_process(desk: Desk):
    """While a backup is copied, whoever asks for what runs gets how far that is; then it is as it was."""
    backup = publish(desk.catalog)
    here, elsewhere = (
        BackupSystem(BackupSettings(), desk.catalog.folder, "", desk.clock, desk.emit, offsite=desk.settings)
        for _ in range(2)
    )
    seen: list[Any] = []
    here.copy(backup.id, lambda _: seen.append((elsewhere.current(), elsewhere.current(backup.id))))
    running, of_one = seen[-1]
    assert running == of_one
    assert (running["id"], running["state"], running["phase"]) == (backup.id, "running", "copying")
    assert 0 <= running["percent"] <= 100
    assert elsewhere.current() is None
    assert elsewhere.current(backup.id)["second_copy"]["place"] == desk.settings.url


def _hanging(desk: Desk, backup: Backup) -> subprocess.Popen[bytes]:
    """A process that has sent its copy and does not go on."""
    command = [sys.executable, "-c", HANG, desk.catalog.folder, desk.settings.url, backup.id]
    return subprocess.Popen(command, cwd=CHECKOUT)


def test_settings_of_no_place_are_the_default():
    """Nothing is copied anywhere unless a place is set."""
    assert OffsiteSettings().url == ""
