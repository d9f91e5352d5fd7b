"""Databases that are backed up and drilled, for tests of what a drill proves and what it finds."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil

from app.backup.catalog import Catalog
from app.backup.model import Backup
from app.backup.outcome import Drill
from app.backup.settings import BackupSettings
from app.backup.truth import Rows, Truth
from app.services.backup_system import BackupSystem
from app.testing import FrozenClock, RecordingEmit

from .server import CONTENT, Server

CHECKOUT = Path(__file__).parents[2]
DRILL_ONE = """
import sys
from pathlib import Path
from app.backup.settings import BackupSettings
from app.core.clock import SystemClock
from app.services.backup_system import BackupSystem
folder, url, backup_id, place = sys.argv[1:]
settings = BackupSettings(drill_dir=Path(place))
page = BackupSystem(settings, Path(folder), url, SystemClock(), lambda signal: None)
page.wait(page.drill(backup_id)["id"], 60)
"""
ODD_TYPES = """
create type mood as enum ('sad', 'glad');
create domain percent as numeric check (value between 0 and 100);
create type place as (lat float8, name text);
create table odd (
    a json, c point, d mood, e mood[], f percent, g place, h int4range, i tsvector, j regclass, k interval,
    l bit varying, m text[], n numeric[], o money, p "char", q bytea, r inet, s timestamptz, t uuid
);
insert into odd values
    ('{"a":  1}', '(1,2)', 'glad', '{sad,glad}', 99.50, '(1.5,"São Paulo")', '[1,5)', 'a:1 b:2',
     'pg_class', '1 mon 2 days', '101', '{a,NULL,"b c"}', '{1.0,1.00}', '12.50', 'x', '\\x00', '::1',
     '2026-11-23 12:00:00.123456+00', '5d1f7d3e-0000-4000-8000-000000000000'),
    ('[]', null, 'sad', '{}', 0, null, 'empty', '', null, '30 days', '', '{}', '{NaN}', '-1', '', '',
     '10.0.0.0/8', 'infinity', null);
insert into odd default values;
"""
GUARDS = """
create table secrets (id int primary key, owner text not null);
insert into secrets select i, 'u' || i % 3 from generate_series(1, 30) i;
alter table secrets enable row level security;
alter table secrets force row level security;
create policy own on secrets for select to clerk using (owner = current_user);
grant select on secrets to clerk;
"""
MORE = """
create schema "Other schema";
create table "Other schema".parts (id bigint generated always as identity (start -7 increment -2), t text)
    partition by hash (id);
create table "Other schema".p0 partition of "Other schema".parts for values with (modulus 2, remainder 0);
create table "Other schema".p1 partition of "Other schema".parts for values with (modulus 2, remainder 1);
alter table "Other schema".parts add primary key (id);
insert into "Other schema".parts (t) select 't' || i from generate_series(1, 50) i;
create table child (part bigint references "Other schema".parts,
    virtual int generated always as (part * 2) virtual);
insert into child select id from "Other schema".parts limit 5;
create table nothing ();
insert into nothing default values;
create table gone (a int, b int, c text);
insert into gone values (1, 2, '3');
alter table gone drop column b;
create function note() returns trigger language plpgsql as 'begin return new; end';
create trigger noting before insert on gone for each row execute function note();
create trigger noting after insert on "Other schema".parts for each row execute function note();
create rule quiet as on update to gone do instead nothing;
create sequence lowest increment 1 minvalue -9223372036854775808 start -9223372036854775808;
create sequence round maxvalue 3 cycle;
create materialized view never as select 1 as one with no data;
create text search configuration plain (copy = simple);
create statistics on a, c from gone;
comment on table gone is 'a comment';
select lo_from_bytea(0, convert_to(repeat('voice ', 400000), 'UTF8')), lo_create(0);
create event trigger watching on ddl_command_end execute function note_ddl();
create publication all_of_it for all tables;
"""
EVENT = "create function note_ddl() returns event_trigger language plpgsql as 'begin end';"
LARGE = "create table messages as select i, repeat(md5(i::text), 9) from generate_series(1, 200000) i"
SLOW = """
create function sleepy() returns int language sql volatile as 'select 1 from pg_sleep(case
    when current_database() = \'\'drill\'\' then 60 else 0 end)';
create materialized view slow as select public.sleepy();
"""
EVERYTHING = CONTENT + ODD_TYPES + GUARDS + EVENT + MORE


class Yard:
    """A page of one database that drills what it backs up; scratch servers live in `place`."""

    def __init__(self, server: Server, folder: Path, place: Path) -> None:
        self.server = server
        self.folder = folder / "backups"
        self.place = place
        self.clock, self.emit = FrozenClock(), RecordingEmit()
        self.catalog = Catalog(self.folder)
        self._pages: list[BackupSystem] = []

    def open(self, database: str = "shop", **settings: Any) -> BackupSystem:
        """A page of one of the server's databases."""
        asked = BackupSettings(**{"drill_dir": self.place} | settings)
        page = BackupSystem(asked, self.folder, self.server.url(database), self.clock, self.emit)
        self._pages.append(page)
        return page

    def back_up(self, content: str = "", *, database: str = "shop", **settings: Any) -> Backup:
        """Make a database with that content and back it up."""
        if database not in self.server.databases():
            self.server.make(database, content)
        page = self.open(database, **settings)
        made = page.wait(page.request(reason="manual")["id"], 60)
        assert made["state"] != "failed", made
        return self.catalog.backup(made["id"])

    def drill(self, backup: Backup, **settings: Any) -> Drill:
        """Drill a backup again."""
        page = self.open(**settings)
        page.wait(page.drill(backup.id)["id"], 60)
        drill = self.catalog.backup(backup.id).drill
        assert drill is not None
        return drill

    def claim(self, backup: Backup, **other: Any) -> Backup:
        """Put another truth into the manifest: what the source is then said to have been."""
        assert backup.truth is not None
        claimed = replace(backup, truth=replace(backup.truth, **other))
        self.catalog.rewrite(claimed)
        return claimed

    @contextmanager
    def own_extension(self, name: str) -> Iterator[None]:
        """The source's server has an extension of that name, which no other server has."""
        folder = Path(tempfile.mkdtemp(prefix="atalaia-extension-"))
        (folder / "extension").mkdir()
        (folder / "extension" / f"{name}.control").write_text("default_version = '1'")
        (folder / "extension" / f"{name}--1.sql").write_text(
            "create function here() returns int language sql return 1;"
        )
        for path in (folder, folder / "extension"):
            path.chmod(0o755)
        self.server.set(extension_control_path=f"$system:{folder}")
        try:
            yield
        finally:
            self.server.set(extension_control_path="$system")
            shutil.rmtree(folder)

    @contextmanager
    def driller(self, backup: Backup) -> Iterator[subprocess.Popen[bytes]]:
        """Another process that drills a backup."""
        where = (str(self.folder), self.server.url("shop"), backup.id, str(self.place))
        with subprocess.Popen([sys.executable, "-c", DRILL_ONE, *where], cwd=CHECKOUT) as process:
            yield process

    def servers(self) -> list[psutil.Process]:
        """The processes of scratch servers."""
        lines = [(one, one.info["cmdline"] or ()) for one in psutil.process_iter(["cmdline"])]
        return [one for one, words in lines if any(f"{self.place}/drill-" in word for word in words)]

    def codes(self) -> list[tuple[str, str]]:
        """What was emitted."""
        return [(signal.code, signal.condition.value) for signal in self.emit.signals]

    def left_over(self) -> list[str]:
        """What scratch servers have left."""
        return [path.name for path in self.place.glob("drill-*")]

    def close(self) -> None:
        """End every page."""
        for page in self._pages:
            page.stop()


def other_rows(truth: Truth, table: str, **change: Any) -> dict[str, Rows]:
    """The tables of a truth with one that is told otherwise."""
    return {**truth.tables, table: replace(truth.tables[table], **change)}
