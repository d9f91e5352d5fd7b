"""Databases on the tests' real server: made, filled, compared, locked."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote, urlsplit

import psycopg2
from psycopg2 import sql

from app.core.postgres import EmbeddedPostgres
from app.testing import wait_until

CONTENT = """
create table messages (
    id serial primary key,
    text text not null,
    data jsonb,
    length int generated always as (length(text)) stored
);
insert into messages (text, data)
    select 'olá ' || i, jsonb_build_object('n', i) from generate_series(1, 500) i;
create table bookings (day date not null, name text) partition by range (day);
create table bookings_2026 partition of bookings for values from ('2026-01-01') to ('2027-01-01');
insert into bookings select date '2026-01-01' + i, 'guest ' || i from generate_series(0, 99) i;
create unlogged table scratch (a int);
insert into scratch values (1), (2);
create table "we ""ird""\nname" (a int primary key, b bytea);
insert into "we ""ird""\nname" values (1, '\\x00ff'), (2, null);
create table leads (id int primary key, score numeric);
create table hot_leads (since timestamptz) inherits (leads);
insert into leads values (1, 1.50);
insert into hot_leads values (2, 'NaN', '2026-11-23 12:00+00');
create materialized view totals as select count(*) as messages from messages;
create view recent as select * from messages where id > 490;
create sequence tickets start 41;
select nextval('tickets');
create function twice(int) returns int language sql immutable as 'select $1 * 2';
create index on messages (twice(id));
select lo_from_bytea(4242, 'a voice message');
"""
ROWS = {"messages": 500, "bookings_2026": 100, "scratch": 2, 'we "ird"\nname': 2, "leads": 1, "hot_leads": 1}
GUARDED = "guarded"
PASSWORD = "canary :\\%20@/né"

_ROWS = """
select case relkind when 'S' then format('select last_value, is_called from %I', relname)
    else format('select t::text from only %I t order by 1', relname) end
from pg_class where relkind in ('r', 'm', 'S') and relnamespace = 'public'::regnamespace
"""


class Server:
    """A PostgreSQL for one test; the databases that the test makes go with it."""

    def __init__(self, postgres: EmbeddedPostgres) -> None:
        self._url = postgres.url
        self._hba = postgres.data_folder / "pg_hba.conf"
        self._before = self.databases()

    def url(self, database: str, *, user: str = "atalaia", password: str = "") -> str:
        """The URL of one of its databases, for another role where one is named."""
        login = f"{quote(user, safe='')}:{quote(password, safe='')}@"
        return urlsplit(self._url)._replace(netloc=login, path=f"/{quote(database, safe='')}").geturl()

    def make(self, database: str = "shop", content: str = "") -> str:
        """A new database with that content; returns its name."""
        self.run("postgres", sql.SQL("create database {}").format(sql.Identifier(database)))
        if content:
            self.run(database, content)
        return database

    def run(self, database: str, statement: str | sql.Composable) -> list[tuple[Any, ...]]:
        """Run statements and tell the rows of the last."""
        with self.session(database) as session, session.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchall() if cursor.description else []

    @contextmanager
    def session(self, database: str) -> Iterator[Any]:
        """A session that commits each statement."""
        session = psycopg2.connect(self.url(database))
        session.autocommit = True
        try:
            yield session
        finally:
            session.close()

    @contextmanager
    def locked(self, database: str, table: str = "messages") -> Iterator[None]:
        """Nobody can read a table meanwhile, so that a dump waits."""
        with self.session(database) as session, session.cursor() as cursor:
            cursor.execute(f"begin; lock table {table} in access exclusive mode")
            yield

    def guard(self) -> None:
        """A role that needs a password, as on a server that trusts nobody."""
        self.run("postgres", f"drop role if exists {GUARDED}")
        made = sql.SQL("create role guarded superuser login password {}").format(sql.Literal(PASSWORD))
        self.run("postgres", made)
        rules = self._hba.read_text()
        if GUARDED not in rules:
            self._hba.write_text(f"local all {GUARDED} scram-sha-256\n{rules}")
        self.run("postgres", "select pg_reload_conf()")
        wait_until(self._is_guarded, what="the server's new rules")

    def set(self, **settings: str) -> None:
        """Change settings of the server, for new sessions."""
        for name, value in settings.items():
            change = sql.SQL("alter system set {} = {}").format(sql.Identifier(name), sql.Literal(value))
            self.run("postgres", change)
        self.run("postgres", "select pg_reload_conf()")
        shown = {name: [(value,)] for name, value in settings.items()}
        wait_until(
            lambda: {name: self.run("postgres", f"show {name}") for name in shown} == shown,
            what="the server's new settings",
        )

    def databases(self) -> set[str]:
        """The names of all databases."""
        return {name for (name,) in self.run("postgres", "select datname from pg_database")}

    def content(self, database: str) -> dict[str, list[tuple[Any, ...]]]:
        """Every row of every table, materialized view and sequence, large objects, definitions of indexes."""
        queries = [query for (query,) in self.run(database, _ROWS)] + [
            "select oid::int, lo_get(oid)::text from pg_largeobject_metadata order by 1",
            "select indexdef from pg_indexes where schemaname = 'public' order by 1",
        ]
        return {query: self.run(database, query) for query in queries}

    def clean(self) -> None:
        """Drop the databases that were not there before the test."""
        for name in self.databases() - self._before:
            self.run("postgres", sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))

    def _is_guarded(self) -> bool:
        try:
            psycopg2.connect(self.url("postgres", user=GUARDED)).close()
        except psycopg2.OperationalError:
            return True
        return False
