"""Which client programs are used."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.backup.tools import Tools, choose, installed, newest
from app.core.errors import Unavailable
from app.core.postgres import client_program

OLD = Tools(Path("/old"), "15.18", 15, speaks_tls=True)
WHEEL = Tools(Path("/wheel"), "18.4", 18, speaks_tls=False)
FOUND = [WHEEL, OLD]


@pytest.mark.parametrize(("server", "chosen"), [(13, OLD), (15, OLD), (16, WHEEL), (18, WHEEL)])
def test_nearest_version_is_chosen(server: int, chosen: Tools):
    """The oldest programs that are not older than the server are chosen."""
    assert choose(FOUND, at_least=server, tls=False) == chosen


def test_too_old_programs_are_never_used():
    """Where every pg_dump is older than the server, there is none, and the hint names the package."""
    with pytest.raises(Unavailable, match="no pg_dump of PostgreSQL 19") as refused:
        choose(FOUND, at_least=19, tls=False)
    assert "postgresql-client-19" in refused.value.hint


def test_programs_without_tls_are_not_used_where_it_is_needed():
    """Where the way to the server is encrypted, programs that cannot do that are passed over."""
    with pytest.raises(Unavailable, match="that speaks TLS"):
        choose(FOUND, at_least=18, tls=True)
    assert newest(FOUND, tls=True) == OLD
    assert newest(FOUND, tls=False) == WHEEL


def test_wheels_versions_are_found():
    """Every PostgreSQL of the wheels is found, with its version; that of the required wheel comes first."""
    found = installed()
    assert {16, 18} <= {tools.major for tools in found}
    assert found[0].program("pg_dump") == client_program("pg_dump")
    assert not found[0].speaks_tls


def test_configured_program_is_the_only_one():
    """With BACKUP_PG_DUMP nothing else is used."""
    assert [tools.major for tools in installed(str(client_program("pg_dump")))] == [18]


@pytest.mark.parametrize("says", [None, "exit 1", "echo 'pg_dump of another kind 18'"])
def test_what_is_no_pg_dump_is_not_used(tmp_path: Path, says: str | None):
    """A program that is not there, fails, or does not say that it is PostgreSQL's is named, and not used."""
    if says is not None:
        (tmp_path / "pg_dump").write_text(f"#!/bin/sh\n{says}\n")
        (tmp_path / "pg_dump").chmod(0o755)
    with pytest.raises(Unavailable, match=f"BACKUP_PG_DUMP={tmp_path}/pg_dump is no working pg_dump"):
        installed(str(tmp_path / "pg_dump"))
