"""Real servers of every version: each backup is proven, and what is restored is what there was."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import psycopg2
import pytest

from app.backup.builds import builds
from app.backup.catalog import Catalog
from app.backup.model import Backup, State, major
from app.backup.restorer import Wish
from app.backup.settings import BackupSettings
from app.core.postgres_home import PORT
from app.core.postgres_scratch import scratch_postgres
from app.services.backup_system import BackupSystem
from app.testing import FrozenClock, RecordingEmit

from .shops import BANK, LETTERS, RENTALS

pytestmark = [pytest.mark.compat, pytest.mark.timeout(300)]
_OLDEST = 13


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
def running(version: str, place: Path, database: str, made_of: str) -> Iterator[str]:
    """The URL of a new database with that content, on a server of that version."""
    with scratch_postgres(SERVERS[version], place, {}) as home:
        url = f"postgresql://atalaia@/postgres?host={quote(str(home.socket), safe='')}&port={PORT}"
        for into, sql in (("postgres", f"create database {database}"), (database, made_of)):
            with closing(psycopg2.connect(of(url, into))) as session, session.cursor() as cursor:
                session.autocommit = True
                cursor.execute(sql)
        yield of(url, database)


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
    """A backup of each kind of database on each server is proven, and comes back there as it was."""
    made_of, truth = CASES[case]
    try:
        with (
            running(version, drill_place, "shop", made_of) as url,
            opened(url, tmp_path, drill_place, truth=truth) as page,
        ):
            made = backed_up(page, tmp_path)
            assert made.drill is not None
            told = (made.drill.outcome, made.drill.reason, made.drill.notes)
            assert made.state is State.PROVEN, told
            assert made.source.server_version.split()[0] == version
            page.restore(made.id, Wish("again"))
            assert content(of(url, "again")) == content(url)
    except psycopg2.errors.FeatureNotSupported as error:
        pytest.skip(f"this server was built without it: {error}")
