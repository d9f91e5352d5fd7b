"""What may happen to a backup, done to it."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from app.backup.builds import builds
from app.backup.manifest import sealed, unsealed
from app.backup.restorer import Wish
from app.backup.settings import BackupSettings
from app.core.errors import Unavailable
from app.core.health import Level
from app.core.signal import Condition
from app.services.backup_system import BackupSystem
from app.testing import FrozenClock, RecordingEmit, wait_until

from ..places import place_for
from .killing import Killing
from .server import CONTENT, GUARDED, PASSWORD, Server

CHECKOUT = Path(__file__).parents[2]
MAKE_ONE = """
import sys
from pathlib import Path
from app.backup.builds import builds
from app.backup.manifest import sealed, unsealed
from app.backup.settings import BackupSettings
from app.core.clock import SystemClock
from app.services.backup_system import BackupSystem
settings = BackupSettings(drill="off")
page = BackupSystem(settings, Path(sys.argv[1]), sys.argv[2], SystemClock(), lambda signal: None)
page.wait(page.request(reason="manual")["id"], 60)
"""
LARGE = "create table messages as select i, repeat(md5(i::text), 9) from generate_series(1, 200000) i"


class Shop:
    """A page of the database `shop`."""

    def __init__(self, server: Server, folder: Path, content: str = CONTENT) -> None:
        self.server = server
        self.folder = folder / "backups"
        self.emit = RecordingEmit()
        self.url = server.url(server.make("shop", content))
        self.page = self.open()

    def open(self, url: str = "", **settings: object) -> BackupSystem:
        """A page, as a worker has it when it starts."""
        return BackupSystem(
            BackupSettings(**{"drill": "off"} | settings),
            self.folder,
            url or self.url,
            FrozenClock(),
            self.emit,
        )

    def back_up(self, page: BackupSystem | None = None) -> dict:
        """Make a backup and wait for its end."""
        page = page or self.page
        return page.wait(page.request(reason="manual")["id"], 60)

    def names(self) -> list[str]:
        """The folder's files, without the lock."""
        return sorted(path.name for path in self.folder.iterdir() if path.name != ".lock")

    def failed(self) -> dict:
        """The one failure there is; nothing else is left in the folder, and it was alerted."""
        (failure,) = self.page.status()["failed"]
        assert self.names() == [f"{failure['id']}.failed.json"]
        assert [(s.code, s.condition) for s in self.emit.signals] == [("backup_failed", Condition.RAISED)]
        return failure

    def part(self) -> list[Path]:
        """The part file, once something is in it."""
        return [part for part in self.folder.glob("shop-*.part") if part.stat().st_size]


@pytest.fixture
def shop(server: Server, tmp_path: Path) -> Iterator[Shop]:
    """A shop with every kind of content."""
    shop = Shop(server, tmp_path)
    yield shop
    shop.page.stop()


@pytest.fixture
def large(server: Server, tmp_path: Path) -> Iterator[Shop]:
    """A shop whose dump takes a moment."""
    shop = Shop(server, tmp_path, LARGE)
    yield shop
    shop.page.stop()


def programs(of: int, *names: str) -> list[psutil.Process]:
    """The client programs that a process has started."""
    return [
        child for child in psutil.Process(of).children() if child.name() in (names or ("psql", "pg_dump"))
    ]


def pg_dumps(of: int) -> list[psutil.Process]:
    """The pg_dump processes that a process has started."""
    return programs(of, "pg_dump")


@contextmanager
def files_up_to(size_bytes: int) -> Iterator[None]:
    """No file of this process may become larger, as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_server_that_is_down(shop: Shop):
    """A server that is not there is a failure with a hint, and leaves nothing."""
    page = shop.open("postgresql://u@127.0.0.1:1/shop")
    assert "Connection refused" in shop.back_up(page)["fact"]
    assert "DATABASE_URL leads to it" in shop.failed()["hint"]


def test_wrong_password(shop: Shop):
    """A wrong password is a failure that does not repeat it."""
    shop.server.guard()
    shop.back_up(shop.open(shop.server.url("shop", user=GUARDED, password="canary-wrong")))
    assert "password authentication failed" in shop.failed()["fact"]
    assert "canary" not in str(shop.page.status()) + str(shop.emit.signals)


def test_missing_pg_dump(shop: Shop):
    """A pg_dump that is not there is a failure that says so."""
    shop.back_up(shop.open(pg_dump="/nonexistent/pg_dump"))
    assert "is no working pg_dump" in shop.failed()["fact"]


def test_too_old_pg_dump(shop: Shop):
    """A pg_dump that is older than the server is refused before it has written anything."""
    old = next(build for build in builds() if build.major < 18)
    shop.back_up(shop.open(pg_dump=str(old.tools.program("pg_dump"))))
    assert "18" in shop.failed()["fact"] + shop.failed()["hint"]


def test_killed_pg_dump(large: Shop):
    """A pg_dump that is killed in the middle is a failure, however much it has written."""
    begun = large.page.request(reason="manual")
    wait_until(large.part, what="the part file")
    pg_dumps(os.getpid())[0].kill()
    large.page.wait(begun["id"], 30)
    assert large.failed()["fact"] == "pg_dump failed: exit code -9"


def test_ended_session(large: Shop):
    """A session that the server ends in the middle is a failure."""
    begun = large.page.request(reason="manual")
    wait_until(large.part, what="the part file")
    end = "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'pg_dump'"
    assert large.server.run("postgres", end)
    large.page.wait(begun["id"], 30)
    assert large.failed()["phase"] == "dumping"


def test_full_disk(large: Shop):
    """A disk that takes no more is a failure that names the folder, and its part is removed."""
    with files_up_to(1_000_000):
        failure = large.back_up()
    assert "File too large" in failure["fact"]
    assert str(large.folder) in large.failed()["hint"]


def test_no_room_is_seen_before(shop: Shop):
    """Where the last backup would not fit once more, none is begun."""
    made = shop.back_up()
    grow(shop.folder, made["id"], shutil.disk_usage(shop.folder).free)
    failure = shop.back_up()
    assert (failure["state"], failure["phase"]) == ("failed", "starting")
    assert "bytes left" in failure["fact"]


def grow(folder: Path, backup_id: str, size_bytes: int) -> None:
    """Make a backup seem to be of that size, by a file with a hole."""
    manifest = folder / f"{backup_id}.json"
    manifest.write_bytes(sealed(replace(unsealed(manifest.read_bytes()), size_bytes=size_bytes)))
    os.truncate(folder / f"{backup_id}.dump.gz", size_bytes)


def test_folder_that_cannot_be_made(shop: Shop):
    """A folder that cannot be written is said at once, alerted, and waited with before the next try."""
    shop.folder.write_text("a file in its place")
    with pytest.raises(Unavailable, match="cannot be used") as refused:
        shop.page.request(reason="manual")
    assert str(shop.folder) in refused.value.hint
    assert [s.code for s in shop.emit.signals] == ["backup_failed"]
    assert shop.page.health().level is Level.DOWN
    for _ in range(3):
        shop.page.run_due()
    assert [s.code for s in shop.emit.signals] == ["backup_failed"]


def test_folder_that_vanishes_in_the_middle(large: Shop):
    """A folder that is removed while a dump goes on is a failure that is alerted; the next run is good."""
    large.page.request(reason="manual")
    wait_until(large.part, what="the part file")
    shutil.rmtree(large.folder)
    wait_until(lambda: large.emit.signals, what="the alert", deadline=30)
    assert [s.code for s in large.emit.signals] == ["backup_failed"]
    assert large.page.status()["last_good"] is None
    assert large.back_up()["state"] == "checked"


def test_folder_that_is_a_link(shop: Shop, tmp_path: Path):
    """Where the folder is a link, backups are made where it leads to."""
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    shop.folder.symlink_to("elsewhere")
    made = shop.back_up()
    assert (tmp_path / "elsewhere" / f"{made['id']}.dump.gz").exists()
    assert shop.page.inspection.verify()["ok"]


def test_hard_linked_copies_stay_as_they_are(shop: Shop, tmp_path: Path):
    """What somebody has linked elsewhere is not changed by a drill, and not taken away by retention."""
    first = shop.back_up()
    copies = [tmp_path / f"{first['id']}{suffix}" for suffix in (".dump.gz", ".json")]
    for copy in copies:
        os.link(shop.folder / copy.name, copy)
    before = [copy.read_bytes() for copy in copies]
    second = shop.back_up(shop.open(keep_at_least=1, keep_at_most=1))
    shop.page.inspection.verify()
    assert [one["id"] for one in shop.page.status()["backups"]] == [second["id"]]
    assert [copy.read_bytes() for copy in copies] == before


def test_time_that_is_over(shop: Shop):
    """A backup that takes longer than it may is ended."""
    with shop.server.locked("shop"):
        failure = shop.back_up(shop.open(timeout_seconds=1))
    assert failure["fact"] == "it was not done when its time was over"
    shop.failed()


def test_stopped_server(shop: Shop):
    """A run under way is ended when the server stops: nothing is left, nobody is alarmed."""
    with shop.server.locked("shop"):
        begun = shop.page.request(reason="manual")
        wait_until(lambda: shop.page.get(begun["id"])["phase"] == "dumping", what="the dump")
        wait_until(lambda: programs(os.getpid()), what="a program at work")
        shop.page.stop()
        assert programs(os.getpid()) == []
    assert shop.names() == [f"{begun['id']}.failed.json"]
    after = shop.open()
    assert after.get(begun["id"])["stopped"]
    assert shop.emit.signals == []
    assert shop.back_up(after)["state"] == "checked"


def test_killed_process(shop: Shop):
    """When the whole process is killed, the next one cleans up, says so, and makes a backup."""
    with shop.server.locked("shop"):
        command = [sys.executable, "-c", MAKE_ONE, str(shop.folder), shop.url]
        with subprocess.Popen(command, cwd=CHECKOUT) as maker:
            wait_until(lambda: shop.page.status()["running"], what="the run", deadline=30)
            assert shop.page.status()["running"]["pid"] == maker.pid
            maker.kill()
    # Because a program that it was about to start has its lock until it begins.
    wait_until(lambda: shop.page.status()["running"] is None, what="the end of the run")
    assert shop.failed()["fact"] == "the process that made it was killed"
    assert shop.back_up()["state"] == "checked"


@pytest.mark.kill
@pytest.mark.parametrize("early", [False, True], ids=["drill after", "drill meanwhile"])
def test_killed_at_random_instants(shop: Shop, early: bool):
    """Killed at any instant, a process leaves nothing half done: what is listed is whole and stays.

    The next one removes what it has left: scratch servers, their folders, passwords, temporary files.
    """
    with place_for("drill") as place:
        killing = Killing(shop.folder, shop.url, place, seed=1, early=early)
        for _ in range(3):
            killing.round()


def test_no_secret_in_any_argv(shop: Shop):
    """While a backup and a restore run, no command line on the machine holds the password."""
    shop.server.guard()
    page = shop.open(shop.server.url("shop", user=GUARDED, password=PASSWORD))
    seen: set[str] = set()
    done = threading.Event()

    def look() -> None:
        while not done.is_set():
            for line in Path("/proc").glob("[0-9]*/cmdline"):
                try:
                    seen.add(line.read_text(errors="replace"))
                except OSError:
                    continue

    looking = threading.Thread(target=look)
    looking.start()
    made = shop.back_up(page)
    page.restore(made["id"], Wish("copy"))
    done.set()
    looking.join()
    assert any("pg_dump" in line for line in seen)
    assert not [line for line in seen if "canary" in line and "pytest" not in line]
