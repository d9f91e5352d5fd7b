"""Real servers of every version: each backup is proven, and what is restored is what there was."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import psycopg2
import pytest

from app.backup.builds import builds
from app.backup.catalog import Catalog
from app.backup.model import Backup, State, major
from app.backup.outcome import Outcome
from app.backup.restorer import Wish
from app.backup.settings import BackupSettings
from app.core.accounts import unprivileged
from app.core.postgres_home import PORT
from app.core.postgres_scratch import scratch_postgres
from app.services.backup_system import BackupSystem
from app.testing import FrozenClock, RecordingEmit, wait_until

from .server import CONTENT
from .shops import BANK, LETTERS, MUSEUM, RENTALS

pytestmark = [pytest.mark.compat, pytest.mark.timeout(300)]
_OLDEST = 13
_NO_XML = 18  # because no wheel carries a server of that version which can take xml


def servers() -> dict[str, Path]:
    """One of each major version: that on PATH, where .ci/run puts some, else that with most extensions."""
    ours = sorted(builds(), key=lambda build: len(build.extensions))
    found = {build.major: (build.version, build.folder) for build in ours if build.major >= _OLDEST}
    for folder in map(Path, os.get_exec_path()):
        told = folder.parent / "version"
        if (folder / "postgres").exists() and told.exists():
            version = told.read_text().strip()
            found[major(version)] = (version, folder.parent)
    return dict(found.values())


SERVERS = servers()
CASES = {"rentals": (RENTALS, "snapshot"), "bank": (BANK, "dump"), "letters": (LETTERS, "snapshot")}
_TABLES = """
select format('select %s from only %I.%I t',
  case relkind when 'S' then 'last_value, is_called' else 't::text' end, nspname, relname)
from pg_class c join pg_namespace n on n.oid = relnamespace
where relkind in ('r', 'm', 'S') and nspname in ('public', 'staff') order by 1
"""
_PUBLIC = "'public'::regnamespace"
_REST = [
    "select oid, md5(lo_get(oid)) from pg_largeobject_metadata",
    "select indexdef from pg_indexes where schemaname = 'public'",
    f"select conname, conrelid::regclass::text, contype from pg_constraint where connamespace = {_PUBLIC}",
    "select tablename, policyname, roles::text, cmd, qual, with_check from pg_policies",
    f"select relname, pg_get_userbyid(relowner) from pg_class where relnamespace = {_PUBLIC}",
    f"select proname, pg_get_userbyid(proowner), prosrc from pg_proc where pronamespace = {_PUBLIC}",
    f"select relname, unnest(relacl)::text from pg_class where relnamespace = {_PUBLIC}",
    "select attrelid::regclass::text, attname, unnest(attacl)::text from pg_attribute where attrelid > 16383",
    "select nspname, unnest(nspacl)::text from pg_namespace where nspname = 'staff'",
    "select defaclobjtype::text, unnest(defaclacl)::text from pg_default_acl",
]


def content(url: str) -> dict[str, list[str]]:
    """What is in a database, told by plain SQL and not by what is tested here."""
    with closing(psycopg2.connect(url)) as session, session.cursor() as cursor:
        cursor.execute("set extra_float_digits = 3")
        cursor.execute(_TABLES)
        found = {}
        for query in [*(query for (query,) in cursor.fetchall()), *_REST]:
            cursor.execute(query)
            found[query] = sorted(map(str, cursor.fetchall()))
        return found


@contextmanager
def running(version: str, place: Path, content: str) -> Iterator[str]:
    """The URL of a new database with that content, on a server of that version."""
    with scratch_postgres(SERVERS[version], place, {}) as home:
        yield made(home.socket, "shop", content)


def made(socket: Path, database: str, content: str) -> str:
    """Make a database with that content; returns its URL."""
    url = f"postgresql://atalaia@/postgres?host={quote(str(socket), safe='')}&port={PORT}"
    for into, sql in (("postgres", f"create database {database}"), (database, content)):
        with closing(psycopg2.connect(of(url, into))) as session, session.cursor() as cursor:
            session.autocommit = True
            cursor.execute(sql)
    return of(url, database)


def of(url: str, database: str) -> str:
    """The URL of another database of the same server."""
    return urlsplit(url)._replace(path=f"/{database}").geturl()


@contextmanager
def opened(url: str, folder: Path, place: Path, **settings: Any) -> Iterator[BackupSystem]:
    """The page of that database."""
    asked = BackupSettings(drill_dir=place, **settings)
    page = BackupSystem(asked, folder, url, FrozenClock(), RecordingEmit())
    try:
        yield page
    finally:
        page.stop()


def backed_up(page: BackupSystem, folder: Path) -> Backup:
    """A new backup, drilled."""
    made = page.wait(page.request(reason="manual")["id"], 100)
    assert made["state"] != "failed", made
    return Catalog(folder).backup(made["id"])


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("version", sorted(SERVERS))
def test_restored_database_is_its_source(version: str, case: str, tmp_path: Path, drill_place: Path):
    """A backup of each kind of database on each server is proven, and comes back there as it was.

    One that needs what no scratch server has is not called proven, and it is said why.
    """
    made_of, truth = CASES[case]
    try:
        with (
            running(version, drill_place, made_of) as url,
            opened(url, tmp_path, drill_place, truth=truth) as page,
        ):
            backup = backed_up(page, tmp_path)
            assert backup.drill is not None
            told = (backup.drill.outcome, backup.drill.reason, backup.drill.notes)
            expected = State.CHECKED if case == "letters" and major(version) >= _NO_XML else State.PROVEN
            assert backup.state is expected, told
            assert expected is State.PROVEN or "unsupported XML feature" in backup.drill.reason
            assert backup.source.server_version.split()[0] == version
            page.restore(backup.id, Wish("again"))
            assert content(of(url, "again")) == content(url)
    except psycopg2.errors.FeatureNotSupported as error:
        pytest.skip(f"this server was built without it: {error}")


@pytest.mark.parametrize("version", [one for one in sorted(SERVERS) if major(one) in {15, 18}])
def test_unusual_objects_are_no_false_alarm(version: str, tmp_path: Path, drill_place: Path):
    """Whatever SQL can define, own and grant is written by a second dump as by the first."""
    with running(version, drill_place, MUSEUM) as url, opened(url, tmp_path, drill_place) as page:
        drill = backed_up(page, tmp_path).drill
        assert drill is not None
        assert (drill.outcome, drill.differences, drill.notes) == (Outcome.PROVEN, (), ())


def test_grant_that_no_restore_could_give_is_found(tmp_path: Path, drill_place: Path):
    """Who granted something may have lost the way to it since: no restore gives it, and the drill says so."""
    content = MUSEUM.replace('grant usage on schema public to app, "Über Rolle"', "select")
    newest = max(SERVERS, key=major)
    with running(newest, drill_place, content) as url, opened(url, tmp_path, drill_place) as page:
        drill = backed_up(page, tmp_path).drill
        assert drill is not None
        assert drill.outcome is Outcome.FAILED
        assert drill.differences == (
            "grants are not as they were: TABLE base of public",
            "a right could not be given: permission denied for schema public",
        )


@contextmanager
def followed(primary: str, server: Path, folder: Path, delay: str) -> Iterator[str]:
    """The URL of the same database on a real standby, which lets readers hold it up for so long."""
    account, (socket,) = unprivileged(), parse_qs(urlsplit(primary).query)["host"]
    own = {"cwd": "/", "env": {"PATH": "/usr/bin:/bin"}, **account.switch}
    data, home = folder / "standby", folder / "standby-socket"
    for one in (data, home):
        account.claim(one)
    base = (server / "bin" / "pg_basebackup", "-h", socket, "-p", PORT, "-U", "atalaia", "-D", data, "-R")
    subprocess.run([*base, "-c", "fast"], check=True, **own)
    asked = {"unix_socket_directories": home, "listen_addresses": "", "max_standby_streaming_delay": delay}
    options = [word for name, value in asked.items() for word in ("-c", f"{name}={value}")]
    url = urlsplit(primary)._replace(query=f"host={quote(str(home), safe='')}&port={PORT}").geturl()
    with subprocess.Popen(
        [server / "bin" / "postgres", "-D", data, *options], stderr=subprocess.DEVNULL, **own
    ) as process:
        try:
            wait_until(lambda: answers(url), what="the standby", deadline=30)
            yield url
        finally:
            process.send_signal(signal.SIGQUIT)
            process.wait(30)
            for one in (data, home):
                shutil.rmtree(one)


def answers(url: str) -> bool:
    """Whether a server lets somebody in."""
    try:
        psycopg2.connect(url).close()
    except psycopg2.OperationalError:
        return False
    return True


def test_standby_is_backed_up_without_what_it_cannot_read(tmp_path: Path, drill_place: Path):
    """A real standby is noticed, and its backup proven; what is not logged comes back empty."""
    server = next(build.folder for build in builds() if build.major == 18)
    content = CONTENT + "create unlogged table passing (id serial); insert into passing default values;"
    settings = {"wal_level": "replica", "max_wal_senders": "3"}
    with scratch_postgres(server, drill_place, settings) as home:
        primary = made(home.socket, "shop", content)
        with (
            followed(primary, server, drill_place, "30s") as url,
            opened(url, tmp_path, drill_place) as page,
        ):
            backup = backed_up(page, tmp_path)
            assert backup.drill is not None
            assert (backup.state, backup.drill.reason) == (State.PROVEN, "")
            assert [one.fact for one in backup.concerns] == [
                "the server is a standby that cancels long reads after 30 s"
            ]
            assert backup.truth is not None
            assert backup.truth.tables["public.passing"].count == 0
            with opened(url, tmp_path, drill_place, truth="dump") as other:
                assert backed_up(other, tmp_path).state is State.PROVEN
