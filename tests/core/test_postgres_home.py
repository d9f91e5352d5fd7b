from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from app.core.accounts import Account, owner_of
from app.core.errors import Unavailable
from app.core.postgres_home import PostgresHome, find_home

OURS = Account(os.geteuid(), os.getegid())
only_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root runs the server as another account")


@pytest.fixture
def home(tmp_path: Path) -> PostgresHome:
    home = PostgresHome(tmp_path / "home", OURS)
    home.prepare()
    home.data.mkdir()
    return home


@contextmanager
def process(*command: str, cwd: Path) -> Iterator[int]:
    with subprocess.Popen(command, cwd=cwd) as child:
        yield child.pid
        child.kill()


def left_behind(home: PostgresHome, pid: int) -> Path:
    lock = home.data / "postmaster.pid"
    lock.write_text(f"{pid}\n{home.data}\n")
    return lock


def test_the_home_is_the_folder_itself(tmp_path: Path):
    """Who is not root keeps everything in the folder that was given."""
    if OURS.uid == 0:
        pytest.skip("root's folders below pytest's are out of reach for the server")
    assert find_home(tmp_path / "pg").data == tmp_path / "pg" / "data"


@only_root
def test_a_home_out_of_reach_is_moved(tmp_path: Path):
    """Where the server's account cannot enter, its home is named after the checkout, once and for all."""
    tmp_path.chmod(0o700)
    home = find_home(tmp_path / "pg").folder
    assert home.parent == Path("/var/lib/atalaia")
    assert home.name.startswith(f"{tmp_path.name[:32]}-")
    assert find_home(tmp_path / "pg").folder == home
    assert find_home(tmp_path / "other").folder != home


@only_root
def test_existing_data_decide(tmp_path: Path):
    """Data that are there already are used where they are, by the account that owns them."""
    (tmp_path / "data").mkdir()
    os.chown(tmp_path / "data", 54321, 54321)
    assert find_home(tmp_path) == PostgresHome(tmp_path, Account(54321, 54321))


@only_root
def test_roots_home_can_be_passed_and_not_listed(tmp_path: Path):
    """The server's account walks through a home that stays root's, so it cannot put links in root's way."""
    home = PostgresHome(tmp_path / "new" / "home", Account(54321, 54321))
    home.prepare()
    assert home.folder.stat().st_mode & 0o777 == 0o711
    assert owner_of(home.folder) == OURS


def test_the_socket_is_in_the_home(home: PostgresHome):
    """Where its name is short enough the socket is beside the data."""
    assert PostgresHome(Path("/srv/pg"), OURS).socket == Path("/srv/pg/socket")


@pytest.mark.parametrize("name", ["n" * 100, "a,b"])
def test_the_socket_moves_where_libpq_could_not_find_it(name: str):
    """A socket has about a hundred bytes for its name, and a comma separates hosts."""
    socket = PostgresHome(Path("/srv") / name, OURS).socket
    assert socket.parent == Path("/tmp")
    assert socket == PostgresHome(Path("/srv") / name, OURS).socket


def test_turns_are_taken(home: PostgresHome):
    """While one process starts the server another waits, and gives up at its deadline."""
    with home.turn(time.monotonic()), pytest.raises(Unavailable, match="another process"):
        home.turn(time.monotonic() + 0.1).__enter__()
    with home.turn(time.monotonic()):
        pass


def test_the_last_words_are_the_end_of_this_starts_log(home: PostgresHome):
    """An error shows how the log ends; each start begins a new one, so that it stays small."""
    assert home.last_words() == ""
    with home.open_log() as log:
        log.write(b"".join(b"line %d\n" % number for number in range(100)))
    assert home.last_words().splitlines()[-1] == "line 99"
    assert len(home.last_words().splitlines()) < 10
    home.tidy()
    assert home.last_words() == ""


def test_half_made_data_are_removed(home: PostgresHome):
    """What a starter that was killed has left half-made is in nobody's way; whole data stay."""
    (home.folder / "data.ab12cd34" / "base").mkdir(parents=True)
    home.tidy()
    assert [path.name for path in home.folder.glob("data*")] == ["data"]


def test_a_lock_of_the_server_is_kept(home: PostgresHome):
    """The lock file of a live process that works in the data folder is left alone."""
    with process("sleep", "60", cwd=home.data) as pid:
        lock = left_behind(home, pid)
        home.tidy()
    assert lock.exists()


def test_a_lock_with_a_strangers_number_is_forgotten(home: PostgresHome):
    """A number that was dealt out again after a restart does not lock the data."""
    with process("sleep", "60", cwd=Path("/")) as pid:
        lock = left_behind(home, pid)
        home.tidy()
    assert not lock.exists()


def test_a_lock_of_a_zombie_is_forgotten(home: PostgresHome):
    """A dead server that nobody has buried does not lock the data."""
    with process("true", cwd=home.data) as pid:
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
        lock = left_behind(home, pid)
        home.tidy()
    assert not lock.exists()
