"""Roles beside a dump, from a real server and into it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from app.backup.client import Client
from app.backup.companions import RolesFile
from app.backup.connection import parse_connection
from app.backup.model import Damaged
from app.backup.roles import create_roles, drop_roles, needed_for, save_roles, saved_roles, statements
from app.core.errors import NotFound

from .samples import a_backup, flip_a_bit
from .server import GUARDED, PASSWORD, Server

TEAM, CLERK, ADMIN = "roles_team", 'roles "we ird"', "roles_admin"
MAKE = '''
create role roles_team;
alter role roles_team set work_mem = '5MB';
create role "roles ""we ird""" login noinherit password 'canary';
grant roles_team to "roles ""we ird""";
create role roles_admin superuser;
grant roles_admin to roles_team;
'''
DROP = 'drop role if exists "roles ""we ird""", roles_team, roles_admin'


@pytest.fixture
def client(server: Server) -> Iterator[Client]:
    """A client of a server with a team, its admin and a clerk."""
    server.run("postgres", f"{DROP}; {MAKE}")
    yield Client(parse_connection(server.url("postgres")), seconds=60)
    server.run("postgres", DROP)


def saved(client: Client, folder: Path) -> str:
    """The SQL that save_roles writes."""
    path = folder / "shop.roles.sql"
    made = save_roles(client, client.tools(at_least=18), "postgres", path)
    return saved_roles(replace(a_backup(), roles_file=made), path)


def test_roles_are_saved_without_passwords(client: Client, tmp_path: Path):
    """Every role is in the file, no password is, and nobody else may read it."""
    sql = saved(client, tmp_path)
    assert "CREATE ROLE roles_team;" in sql
    assert "PASSWORD" not in sql
    assert (tmp_path / "shop.roles.sql").stat().st_mode & 0o777 == 0o600


def test_any_user_may_read_roles(client: Client, server: Server, tmp_path: Path):
    """A role without any right besides logging in sees all roles."""
    server.run("postgres", "drop role if exists nobody_much; create role nobody_much login")
    plain = Client(parse_connection(server.url("postgres", user="nobody_much")), seconds=60)
    assert "CREATE ROLE roles_team;" in saved(plain, tmp_path)
    server.run("postgres", "drop role nobody_much")


def test_unreadable_roles_are_said(server: Server, tmp_path: Path):
    """Where roles cannot be read there is no file, and the manifest tells why, without the password."""
    server.guard()
    url = server.url("postgres", user=GUARDED, password=f"{PASSWORD}x")
    client = Client(parse_connection(url), seconds=60)
    made = save_roles(client, client.tools(at_least=18), "postgres", tmp_path / "roles.sql")
    assert made.file == ""
    assert "could not connect" in made.unread
    assert PASSWORD not in made.unread
    with pytest.raises(NotFound, match="could not connect"):
        saved_roles(replace(a_backup(), roles_file=made), tmp_path / "roles.sql")


def test_roles_come_back_as_they_were(client: Client, server: Server, tmp_path: Path):
    """A missing role is made with its attributes, its settings and the roles that it is a member of."""
    sql = saved(client, tmp_path)
    before = _described(server)
    server.run("postgres", DROP)
    needed = needed_for(sql, [CLERK, "unknown"])
    assert needed == [CLERK, ADMIN, TEAM]
    create_roles(client, sql, needed, beside="postgres")
    assert _described(server) == before
    drop_roles(client, needed, beside="postgres")
    assert _described(server) == []


def test_roles_that_are_there_stay_as_they_are(client: Client, tmp_path: Path):
    """Of roles that are not asked for nothing is said, except that new ones become their members."""
    told = statements(saved(client, tmp_path), [CLERK])
    quoted = '"roles ""we ird"""'
    assert told[:2] == [f"CREATE ROLE {quoted}", f"ALTER ROLE {quoted} WITH NOINHERIT LOGIN"]
    assert [one.partition(" WITH")[0] for one in told[2:]] == [f"GRANT roles_team TO {quoted}"]


def test_changed_roles_are_damage(client: Client, tmp_path: Path):
    """A file of roles that is not what was written is refused, and so is one that is gone."""
    path = tmp_path / "shop.roles.sql"
    made = save_roles(client, client.tools(at_least=18), "postgres", path)
    flip_a_bit(path)
    backup = replace(a_backup(), roles_file=made)
    with pytest.raises(Damaged, match="not what was written"):
        saved_roles(backup, path)
    path.unlink()
    with pytest.raises(Damaged, match="cannot be read"):
        saved_roles(backup, path)


def test_old_backup_has_no_roles(tmp_path: Path):
    """A backup of an earlier release says that there are none."""
    with pytest.raises(NotFound, match="a release that kept none"):
        saved_roles(replace(a_backup(), roles_file=RolesFile()), tmp_path)


def _described(server: Server) -> list[tuple[object, ...]]:
    return server.run(
        "postgres",
        "select rolname, rolsuper, rolinherit, rolcanlogin, setconfig, array("
        " select roleid::regrole::text from pg_auth_members where member = r.oid)"
        " from pg_roles r left join pg_db_role_setting on setrole = r.oid"
        " where rolname in ('roles_team', 'roles \"we ird\"', 'roles_admin') order by 1",
    )
