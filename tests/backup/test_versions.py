"""Backups of every server that is there to be tried, drilled in whichever fits."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg2
import pytest

from app.backup.builds import Build, builds
from app.backup.catalog import Catalog
from app.backup.model import Backup, State
from app.backup.outcome import Outcome
from app.backup.settings import BackupSettings
from app.core.postgres_home import PORT
from app.core.postgres_scratch import scratch_postgres
from app.services.backup_system import BackupSystem
from app.testing import FrozenClock, RecordingEmit

from .drills import ODD_TYPES
from .server import CONTENT

BUILDS = sorted(builds(), key=lambda build: build.version)
Run = Callable[[Build, str], AbstractContextManager[str]]


@pytest.fixture
def run(drill_place: Path) -> Run:
    """Runs a server with a database of that content, and gives its URL."""

    @contextmanager
    def running(build: Build, content: str) -> Iterator[str]:
        with scratch_postgres(build.folder, drill_place, {}) as home:
            url = f"postgresql://atalaia@/postgres?host={quote(str(home.socket), safe='')}&port={PORT}"
            session = psycopg2.connect(url)
            session.autocommit = True
            with session.cursor() as cursor:
                cursor.execute(content)
            session.close()
            yield url

    return running


def back_up(url: str, folder: Path, place: Path, **settings: Any) -> Backup:
    """Back a database up and drill that."""
    asked = BackupSettings(drill_dir=place, **settings)
    page = BackupSystem(asked, folder, url, FrozenClock(), RecordingEmit())
    made = page.wait(page.request(reason="manual")["id"], 100)
    page.stop()
    assert made["state"] != "failed", made
    return Catalog(folder).backup(made["id"])


@pytest.mark.parametrize("build", BUILDS, ids=lambda build: build.version)
def test_every_version_is_proven(build: Build, run: Run, tmp_path: Path, drill_place: Path):
    """Whatever the version of the server, its backup is restored into one that takes it, and equal there."""
    with run(build, CONTENT + ODD_TYPES) as url:
        made = back_up(url, tmp_path, drill_place)
    assert made.drill is not None
    assert (made.state, made.drill.reason) == (State.PROVEN, "")
    assert made.source.server_version == build.version


PEOPLE = """
create extension pgcrypto; create extension citext; create extension hstore;
create table people (id uuid default gen_random_uuid(), mail citext, facts hstore);
insert into people (mail, facts) values ('Ana@x.br', 'a=>1'), ('b', null);
create unique index on people (mail);
create index on people using gin (facts);
"""
WITH_PGCRYPTO = [build for build in BUILDS if "pgcrypto" in build.extensions]
NEWEST = max(BUILDS, key=lambda build: (build.major, build.is_ours))


@pytest.mark.parametrize("build", WITH_PGCRYPTO, ids=lambda build: build.version)
def test_extensions_choose_the_server(build: Build, run: Run, tmp_path: Path, drill_place: Path):
    """Of the servers that take the dump one is chosen that has its extensions."""
    with run(build, PEOPLE) as url:
        made = back_up(url, tmp_path, drill_place, pg_dump=str(build.tools.program("pg_dump")))
    assert made.drill is not None
    assert (made.state, made.drill.reason) == (State.PROVEN, "")


@pytest.mark.skipif(
    not WITH_PGCRYPTO or max(build.major for build in WITH_PGCRYPTO) >= NEWEST.major,
    reason="the newest server has the extension",
)
def test_extension_that_only_older_servers_have_is_said(run: Run, tmp_path: Path, drill_place: Path):
    """A dump of a newer pg_dump goes into no older server, so that the extension is missing."""
    with run(WITH_PGCRYPTO[-1], PEOPLE) as url:
        made = back_up(url, tmp_path, drill_place, pg_dump=str(NEWEST.tools.program("pg_dump")))
    assert made.drill is not None
    assert (made.state, made.drill.outcome) == (State.CHECKED, Outcome.NOT_DRILLABLE)
    assert "has the extension pgcrypto" in made.drill.reason
