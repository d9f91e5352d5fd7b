"""An empty database like a source, in a scratch server."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from app.backup.builds import builds
from app.backup.model import CalledOff
from app.backup.scratch import DATABASE, Scratch, scratch
from app.core.errors import Unavailable

from .samples import SOURCE


@pytest.fixture
def made(drill_place: Path) -> Iterator[Scratch]:
    """A scratch server of the newest release of the wheels."""
    build = max((build for build in builds() if build.is_ours), key=lambda build: build.major)
    with scratch(build, build.folder, drill_place, seconds=60, locks=1_000_000) as made:
        yield made


def test_database_is_like_its_source(made: Scratch):
    """The roles that its objects need are there, without a right; encoding and order are the source's."""
    source = replace(SOURCE, roles=("owner", 'o"dd', "pg_read_all_data", "atalaia"), provider="b")
    assert made.make_database(source) == ()
    assert made.role.ask("select rolcanlogin from pg_roles where rolname = 'o\"dd'", database=DATABASE) == "f"
    assert made.role.ask("select upper('ação')", database=DATABASE) == "AÇÃO"


def test_unknown_locale_is_replaced_and_told(made: Scratch):
    """Where the machine has not the source's locale, texts are folded as Unicode says, and that is told."""
    (note,) = made.make_database(replace(SOURCE, collation="xx_YY.UTF-8", ctype="xx_YY.UTF-8"))
    assert "has not the source's locale" in note
    assert made.role.ask("select upper('ação')", database=DATABASE) == "AÇÃO"


def test_who_restores_is_no_superuser(made: Scratch):
    """The role that fills it cannot read files, run programs, or become the superuser."""
    made.make_database(SOURCE)
    for attempt in (
        "copy (select 1) to program 'true'",
        "select pg_read_file('PG_VERSION')",
        "set role atalaia",
    ):
        with pytest.raises(Unavailable, match="permission denied"):
            made.role.ask(attempt, database=DATABASE)


def test_everything_is_handed_over_and_what_is_refused_is_told(made: Scratch):
    """Statements are run whatever becomes of others; a role that is there already is no complaint."""
    made.make_database(SOURCE)
    made.role.ask("create schema s; create table s.t ()", database=DATABASE)
    made.give_away()
    statements = [
        'create role "owner";',
        "grant select on s.no to public;",
        "alter table s.t owner to owner;",
    ]
    assert made.hand_over(statements) == ('a right could not be given: relation "s.no" does not exist',)
    owners = """select tableowner from pg_tables where tablename = 't'
        union all select pg_get_userbyid(nspowner) from pg_namespace where nspname = 'public'"""
    assert made.superuser.ask(owners, database=DATABASE).splitlines() == ["owner", "pg_database_owner"]


def test_many_things_fit_into_one_transaction(made: Scratch):
    """There is room for the locks of so many things as were announced."""
    per_session = int(made.superuser.ask("show max_locks_per_transaction", database="postgres"))
    assert per_session * int(made.superuser.ask("show max_connections", database="postgres")) >= 1_000_000


def test_ending_it_says_why(made: Scratch):
    """Whoever waits for it, or asks later, gets the reason."""
    made.end(CalledOff("enough", ""))
    for client in (made.superuser, made.role):
        with pytest.raises(CalledOff, match="enough"):
            client.ask("select 1", database="postgres")
