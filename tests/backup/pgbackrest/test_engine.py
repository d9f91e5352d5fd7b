"""The engine that drives pgBackRest, against a real PostgreSQL with a real repository."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.backup.pgbackrest.settings import PgBackRestSettings
from app.backup.restorer import Wish
from app.backup.settings import BackupSettings
from app.core.accounts import unprivileged
from app.core.errors import InputRejected
from app.core.health import Level
from app.core.signal import Condition
from app.services.backup_system import BackupSystem
from app.testing import FrozenClock, RecordingEmit, wait_until

PROGRAM = shutil.which("pgbackrest")
BINARIES = max(Path("/usr/lib/postgresql").glob("*/bin/postgres"), default=Path("none")).parent
pytestmark = [
    pytest.mark.soak,
    pytest.mark.skipif(PROGRAM is None, reason="the program pgbackrest is not installed"),
    pytest.mark.skipif(not BINARIES.exists(), reason="no PostgreSQL server is in /usr/lib/postgresql"),
]


class Plant:
    """A server, its stanza `plant`, and a page that backs it up."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.account = unprivileged()
        for name in ("", "data", "repo", "log", "lock", "sock"):
            self.account.claim(folder / name)
        self.clock, self.emit = FrozenClock(), RecordingEmit()
        self._configure()
        self.page = self.open()

    def open(self) -> BackupSystem:
        asked = PgBackRestSettings(stanza="plant", config=self.folder / "conf", program=str(PROGRAM))
        settings = BackupSettings(engine="pgbackrest", timezone="UTC")
        url = f"postgresql://postgres@/postgres?host={self.folder / 'sock'}"
        backups = self.folder.parent / f"{self.folder.name}-backups"
        return BackupSystem(settings, backups, url, self.clock, self.emit, pgbackrest=asked)

    def run(self, *command: str | Path) -> None:
        subprocess.run(command, check=True, capture_output=True, cwd="/", timeout=60, **self.account.switch)

    def start(self) -> None:
        log, data = self.folder / "log" / "server", self.folder / "data"
        subprocess.run(
            [BINARIES / "pg_ctl", "-D", data, "-l", log, "-w", "start"],
            check=True, stdout=subprocess.DEVNULL, cwd="/", timeout=60, **self.account.switch,
        )  # fmt: skip

    def stop(self) -> None:
        self.page.stop()
        self.run(BINARIES / "pg_ctl", "-D", self.folder / "data", "-m", "immediate", "stop")
        shutil.rmtree(self.folder.parent)

    def back_up(self) -> dict:
        return self.page.wait(self.page.request(reason="manual")["id"], 60)

    def ask(self, sql: str) -> None:
        self.run(BINARIES / "psql", "-h", self.folder / "sock", "-U", "postgres", "-c", sql)

    def spoil(self) -> None:
        """Change two bytes of a file of the repository."""
        path = next(self.folder.glob("repo/backup/plant/*F/pg_data/base/1/1259*"))
        content = bytearray(path.read_bytes())
        content[40:42] = b"XX"
        path.write_bytes(bytes(content))

    def codes(self, condition: Condition) -> list[str]:
        return [one.code for one in self.emit.signals if one.condition is condition]

    def _configure(self) -> None:
        at = self.folder
        (at / "conf").write_text(
            f"[global]\nrepo1-path={at}/repo\nrepo1-retention-full=2\nlog-path={at}/log\n"
            f"lock-path={at}/lock\nstart-fast=y\n[plant]\npg1-path={at}/data\npg1-socket-path={at}/sock\n"
            "pg1-user=postgres\n"
        )
        (at / "conf").chmod(0o644)
        self.run(
            BINARIES / "initdb", "-D", at / "data", "--auth=trust", "--username=postgres", "--no-sync", "-k"
        )
        with (at / "data" / "postgresql.conf").open("a") as file:
            push = f"{PROGRAM} --config={at}/conf --stanza=plant archive-push %p"
            file.write(f"listen_addresses=''\nunix_socket_directories='{at}/sock'\nfsync=off\n")
            file.write(f"archive_mode=on\narchive_command='{push}'\n")
        self.start()
        self.run(PROGRAM or "", f"--config={at}/conf", "--stanza=plant", "stanza-create")


@pytest.fixture(scope="module")
def plant() -> Iterator[Plant]:
    """A server whose log is archived; gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="atalaia-plant-", dir="/tmp"))
    folder.chmod(0o711)
    plant = Plant(folder / "p")
    yield plant
    plant.stop()


def test_a_backup_is_made_verified_and_listed(plant: Plant):
    """The first is a full one, read back by pgBackRest, and in the same status as every backup."""
    assert plant.page.check()["ok"]
    made = plant.back_up()
    assert (made["state"], made["kind"], made["physical"]["type"]) == ("checked", "pgbackrest", "full")
    assert plant.page.status()["last_good"]["id"] == made["id"]
    assert plant.page.get(made["physical"]["run"])["id"] == made["id"]
    assert "backup_succeeded" in plant.codes(Condition.NOTED)
    assert plant.page.health().level is Level.OK


def test_the_next_by_hand_builds_upon_it(plant: Plant):
    """While the last full one is young, one by hand is incremental."""
    made = plant.back_up()
    assert made["physical"]["type"] == "incr"
    assert made["physical"]["prior"].endswith("F")


def test_others_of_its_kind_are_not_restored_as_dumps(plant: Plant):
    """Drill and restore of a whole server are refused, with the command that does it."""
    label = plant.page.status()["last_good"]["id"]
    with pytest.raises(InputRejected):
        plant.page.drill(label)
    with pytest.raises(InputRejected) as refused:
        plant.page.restore(label, Wish("somewhere"))
    assert f"--set={label}" in refused.value.hint


def test_archiving_that_fails_is_an_alert(plant: Plant):
    """An archive_command that fails for longer than it may is told, and told again when it works."""
    plant.ask("alter system set archive_command = 'false'")
    plant.ask("select pg_reload_conf()")
    plant.ask("create table if not exists t (a int)")
    plant.ask("select pg_switch_wal()")
    archiving = plant.page._engine._parts.archiving
    wait_until(lambda: archiving.standing(fresh=True).fact, what="a failure", deadline=30)
    plant.clock.advance(seconds=400)
    archiving.watch()
    assert plant.codes(Condition.RAISED)[-1:] == ["backup_archiving_fails"]
    plant.ask("alter system reset archive_command")
    plant.ask("select pg_reload_conf()")
    plant.ask("select pg_switch_wal()")
    wait_until(lambda: not archiving.standing(fresh=True).fact, what="archiving", deadline=90)
    archiving.watch()
    assert plant.codes(Condition.CLEARED)[-1] == "backup_archiving_fails"


def test_a_damaged_repository_is_found(plant: Plant):
    """verify names the backup with a changed file, though pgBackRest's exit code is 0 for it."""
    plant.spoil()
    told = plant.page.inspection.verify()
    assert not told["ok"]
    bad = [one["id"] for one in told["results"] if not one["ok"]]
    assert plant.page.get(bad[0])["state"] == "damaged"
    assert "backup_damaged" in plant.codes(Condition.RAISED)
