"""Backups restored into a throw-away server: what is proven, what is found, and what cannot be tried."""

from __future__ import annotations

import random
import threading
import time
from dataclasses import replace
from typing import Any

import psutil
import pytest

from app.backup.model import State
from app.backup.outcome import Outcome
from app.backup.truth import Rows
from app.core.errors import Conflict, InputRejected, NotFound
from app.core.health import Level
from app.testing import wait_until

from .drills import EVERYTHING, LARGE, SLOW, Yard, other_rows
from .samples import flip_a_bit
from .server import CONTENT


@pytest.fixture
def clerk(yard: Yard) -> Yard:
    """A yard whose server has the role `clerk`."""
    yard.server.run("postgres", "drop role if exists clerk; create role clerk")
    return yard


def test_everything_is_proven(clerk: Yard):
    """A database with all that we could think of is restored and found equal; what is left out is told."""
    made = clerk.back_up(EVERYTHING)
    assert made.drill is not None
    assert (made.state, made.drill.outcome, made.drill.reason) == (State.PROVEN, Outcome.PROVEN, "")
    assert made.drill.notes == ("left out: event triggers", "left out: publications")
    assert made.truth is not None
    assert made.truth.large_objects.count == 3
    assert clerk.left_over() == []


def test_owners_of_operators_and_large_objects_are_compared(clerk: Yard):
    """Whose operators and large objects are, and who may use these, comes back as it was."""
    content = """
        create operator -/ (leftarg = int, rightarg = int, function = int4mi);
        create table media (id oid);
        insert into media select lo_from_bytea(0, 'x') from generate_series(1, 5);
        select lo_from_bytea(77, 'y');
        alter operator -/ (int, int) owner to clerk;
        alter large object 77 owner to clerk;
        grant select on large object 77 to public;
    """
    made = clerk.back_up(content)
    assert made.drill is not None
    assert (made.drill.reason, made.drill.notes, made.drill.differences) == ("", (), ())


def test_empty_database_is_proven(yard: Yard):
    """A database with nothing in it is as good as any."""
    assert yard.back_up().state is State.PROVEN


def test_drill_is_told(yard: Yard):
    """The status tells how it ended, how long it took and how long a restore takes; an old alert is over."""
    yard.back_up(CONTENT)
    told = yard.open().status()["last_good"]
    assert (told["state"], told["drill"]["outcome"]) == ("proven", "proven")
    assert 0 < told["drill"]["restore_seconds"] < told["drill"]["seconds"]
    assert (told["truth"]["tables"], told["truth"]["rows"]) == (6, 606)
    assert ("backup_drill_failed", "cleared") in yard.codes()


CLAIMS: dict[str, tuple[Any, str]] = {
    "a row more": (
        lambda truth: {"tables": other_rows(truth, "public.leads", count=2)},
        "table public.leads has 1 rows, not 2",
    ),
    "another row": (
        lambda truth: {"tables": other_rows(truth, "public.messages", hash="1")},
        "table public.messages has other rows, though as many (500)",
    ),
    "a table more": (
        lambda truth: {"tables": {**truth.tables, "public.lost": Rows(0, "0")}},
        "table public.lost is missing",
    ),
    "a table less": (
        lambda truth: {"tables": {k: v for k, v in truth.tables.items() if k != "public.hot_leads"}},
        "table public.hot_leads was not there",
    ),
    "another place of a sequence": (
        lambda truth: {"sequences": {**truth.sequences, "public.tickets": ("42", "45")}},
        "sequence public.tickets stands at 41, not at 42",
    ),
    "a large object more": (
        lambda truth: {"large_objects": replace(truth.large_objects, count=2)},
        "there are 1 large objects, not 2",
    ),
    "an index more": (
        lambda truth: {"counts": {**truth.counts, "indexes": truth.counts["indexes"] + 1}},
        "there are 4 indexes, not 5",
    ),
}
CLAIM: dict[str, tuple[Any, str]] = {
    "another large object": (
        lambda truth: {"large_objects": replace(truth.large_objects, hash="1")},
        "a large object has another content",
    ),
}


def test_each_difference_is_found(yard: Yard):
    """What the source is said to have been and the restored database is not is found, named and alerted.

    Many at once, and one alone.
    """
    made = yard.back_up(CONTENT)
    assert made.truth is not None
    for claims in (CLAIMS, CLAIM):
        said = made.truth
        for claim, _ in claims.values():
            said = replace(said, **claim(said))
        yard.claim(replace(made, truth=said))
        found = yard.drill(made)
        differences = [difference for _, difference in claims.values()]
        assert (found.outcome, sorted(found.differences)) == (Outcome.FAILED, sorted(differences))
    assert yard.catalog.backup(made.id).state is State.CHECKED
    raised = [signal for signal in yard.emit.signals if signal.code == "backup_drill_failed"][-1]
    assert differences[0] in raised.message
    page = yard.open()
    assert page.health().level is Level.DEGRADED
    assert "does not restore" in page.health().reason


SOURCES = {
    "a flipped letter": "update messages set text = 'ola 7' where id = 7",
    "a digit more": "update leads set score = 1.500 where id = 1",
    "a jsonb value": """update messages set data = '{"n": 8}' where id = 7""",
    "null for empty": 'update "we ""ird""\nname" set b = \'\' where b is null',
    "a moved row": "delete from leads where id = 1; insert into leads values (3, 1.50)",
    "two swapped values": """update messages set text = case id when 7 then 'olá 8' else 'olá 7' end
        where id in (7, 8)""",
}


@pytest.mark.parametrize("change", SOURCES.values(), ids=SOURCES.keys())
def test_each_changed_value_is_found(yard: Yard, change: str):
    """A dump that is not of the moment at which its source was looked at does not pass."""
    before = yard.back_up(CONTENT, drill="off")
    yard.server.run("shop", change)
    after = yard.back_up(drill="off")
    assert (before.truth, after.truth) != (None, None)
    assert before.truth is not None
    yard.claim(after, tables=before.truth.tables)
    assert len(yard.drill(after).differences) == 1


def test_rows_may_stand_in_any_order(yard: Yard):
    """The order of rows, and the place they have in the file, mean nothing."""
    before = yard.back_up(CONTENT, drill="off")
    yard.server.run("shop", "update messages set text = text where id % 2 = 0")
    yard.server.run("shop", "vacuum full messages")
    after = yard.back_up(drill="off")
    assert before.truth is not None
    assert after.truth is not None
    assert before.truth.tables == after.truth.tables


def test_truth_is_of_the_moment_of_the_dump(yard: Yard):
    """Rows that come and go while the dump is made are in neither or in both of dump and truth."""
    yard.server.make("shop", CONTENT)
    done = threading.Event()

    def write() -> None:
        with yard.server.session("shop") as session, session.cursor() as cursor:
            while not done.is_set():
                cursor.execute("insert into messages (text) values ('more')")
                cursor.execute("select nextval('tickets')")
                cursor.execute("delete from messages where id = (select min(id) from messages)")

    writing = threading.Thread(target=write)
    writing.start()
    try:
        assert [yard.back_up().state for _ in range(3)] == [State.PROVEN] * 3
    finally:
        done.set()
        writing.join()


def test_without_truth_it_is_restored(yard: Yard):
    """Where nothing was found out of the source, the restore is proven, and its content is not."""
    made = yard.back_up(CONTENT, truth="off")
    assert (made.state, made.truth) == (State.RESTORED, None)
    assert made.drill is not None
    assert made.drill.reason == "there is nothing to compare it with"


def test_second_dump_asks_nothing_of_the_source(clerk: Yard):
    """With `dump` the restored database is dumped again and compared, and nothing is hashed on the source."""
    made = clerk.back_up(EVERYTHING, truth="dump")
    assert (made.state, made.truth) == (State.PROVEN, None)
    assert made.drill is not None
    assert (made.drill.compared, made.drill.reason) == ("dump", "")


def test_dump_outlives_the_session_that_looks(yard: Yard):
    """When the session that finds out the truth is ended, the restored database is dumped and compared."""
    yard.server.make("shop", LARGE)
    page = yard.open()
    begun = page.request(reason="manual")
    wait_until(lambda: any(part.stat().st_size for part in yard.folder.glob("*.part")), what="the dump")
    end = """select pg_terminate_backend(pid) from pg_stat_activity
        where datname = 'shop' and application_name = 'psql'"""
    assert yard.server.run("postgres", end)
    page.wait(begun["id"], 60)
    made = yard.catalog.backup(begun["id"])
    assert made.without_truth.startswith("its content could not be found out: ")
    assert (made.state, made.truth) == (State.PROVEN, None)
    assert made.drill is not None
    assert made.drill.compared == "dump"


def test_missing_extension_is_said(yard: Yard):
    """A database with an extension that no server here has is not drillable: it stays checked, and why."""
    with yard.own_extension("shop_only"):
        made = yard.back_up(CONTENT + "create schema ext; create extension shop_only schema ext;")
    assert made.drill is not None
    assert (made.state, made.drill.outcome) == (State.CHECKED, Outcome.NOT_DRILLABLE)
    assert made.drill.reason == "no PostgreSQL 18 or newer here has the extension shop_only"
    assert yard.codes()[-1] == ("backup_not_drillable", "noted")


def test_extension_is_made_by_the_superuser(yard: Yard):
    """An extension that the scratch server has is made there, in its schema, with what it brings."""
    content = """create schema "Ext 1"; create extension vector schema "Ext 1";
        create table items (id int, at "Ext 1".vector(3));
        insert into items values (1, '[1,2,3]'), (2, null);
        create index on items using hnsw (at "Ext 1".vector_l2_ops);"""
    assert yard.back_up(content).state is State.PROVEN


def test_code_in_a_dump_cannot_reach_the_machine(yard: Yard):
    """What a dump makes the scratch server run is not run by its superuser: programs are refused."""
    mark = yard.place / "pwned"
    content = f"""
        create function evil() returns int language plpgsql as $$ begin
            if current_database() = 'drill' then
                execute $copy$copy (select 1) to program 'touch {mark}'$copy$;
            end if;
            return 1;
        end $$;
        create materialized view bait as select public.evil();
    """
    made = yard.back_up(content)
    assert made.drill is not None
    assert "permission denied to COPY" in made.drill.reason
    assert (made.state, made.drill.outcome) == (State.CHECKED, Outcome.NOT_DRILLABLE)
    assert not mark.exists()


def test_code_cannot_wait_for_the_superuser(yard: Yard):
    """A dump whose code changes what names mean in the scratch server is not called when rights are given."""
    mark = yard.place / "pwned"
    content = f"""
        create schema trap;
        create function trap.spring() returns name language plpgsql as $$ begin
            execute $copy$copy (select 1) to program 'touch {mark}'$copy$;
            return 'public';
        end $$;
        create view trap.pg_namespace as select trap.spring() as nspname;
        create function arm() returns int language plpgsql as $$ begin
            if current_database() = 'drill' then
                execute 'alter database drill set search_path = trap, pg_catalog';
            end if;
            return 1;
        end $$;
        create materialized view bait as select public.arm();
    """
    made = yard.back_up(content)
    assert made.drill is not None
    assert not mark.exists(), made.drill
    assert (made.state, made.drill.reason) == (State.PROVEN, "")


def test_cast_of_a_user_is_not_called(yard: Yard):
    """A cast to text that a user has defined is not run, neither on the source nor in the drill."""
    content = """
        create type trap as enum ('a', 'b');
        create function spring(trap) returns text language plpgsql as $$ begin
            raise exception 'sprung';
        end $$;
        create cast (trap as text) with function spring(trap) as assignment;
        create table traps (a trap, b trap[]);
        insert into traps values ('a', '{a,b}');
    """
    made = yard.back_up(content)
    assert (made.state, made.without_truth) == (State.PROVEN, "")


def test_dump_that_does_not_restore_is_found(yard: Yard):
    """A database whose dump cannot be restored, as with a check that looks at a table, is found."""
    content = """
        create table settings (a int);
        insert into settings values (1);
        create function allowed() returns int language sql stable as 'select a from settings';
        create table orders (a int check (a <= allowed()));
        insert into orders values (1);
    """
    made = yard.back_up(content)
    assert made.drill is not None
    assert (made.state, made.drill.outcome) == (State.CHECKED, Outcome.FAILED)
    assert 'relation "settings" does not exist' in made.drill.reason
    assert ("backup_drill_failed", "raised") in yard.codes()
    assert yard.open().status()["last_good"]["id"] == made.id


def test_other_encoding_is_drilled_in_it(yard: Yard):
    """A database in Latin-1 is restored into one in Latin-1."""
    yard.server.run("postgres", "create database shop encoding latin1 locale 'C' template template0")
    yard.server.run("shop", "create table a (t text); insert into a values ('ação')")
    assert yard.back_up().state is State.PROVEN


def test_no_room_is_said_before(yard: Yard):
    """Where the disk has no room for the database it is not tried, and the backup stays as it was."""
    checked, proven = yard.back_up(CONTENT, drill="off"), yard.back_up()
    for made in (checked, proven):
        yard.catalog.rewrite(replace(made, source=replace(made.source, size_bytes=1 << 60)))
        found = yard.drill(made)
        assert found.outcome is Outcome.NOT_DRILLABLE
        assert "there is no room for it" in found.reason
        assert yard.catalog.backup(made.id).state is made.state


def test_time_that_is_over(yard: Yard):
    """A drill that takes too long is given up, which says nothing of the backup."""
    made = yard.back_up(SLOW, drill_timeout_seconds=2)
    assert made.drill is not None
    assert made.drill.outcome is Outcome.NOT_DRILLABLE
    assert made.drill.reason == "it was not done when its time was over"
    assert yard.left_over() == []


def test_killed_scratch_server_says_nothing_of_the_backup(yard: Yard):
    """When the scratch server is killed, as by a machine without memory, the backup is not called bad."""
    made = yard.back_up(SLOW, drill="off")
    page = yard.open()
    page.drill(made.id)
    ended: set[int] = set()
    while (running := page.status()["running"]) is not None:
        ended |= {server.pid for server in yard.servers() if kill(server)}
        assert running["phase"] == "drilling"
    drill = yard.catalog.backup(made.id).drill
    assert ended
    assert drill is not None
    assert drill.outcome is Outcome.NOT_DRILLABLE, drill
    assert yard.catalog.backup(made.id).state is State.CHECKED
    assert yard.left_over() == []


def kill(process: psutil.Process) -> bool:
    """Kill one of a scratch server's; false when it has ended by itself."""
    try:
        process.kill()
    except psutil.NoSuchProcess:
        return False
    return True


def test_tablespaces_are_left_out(yard: Yard):
    """Tables in a tablespace that no scratch server has are restored without it, and proven."""
    yard.server.make("shop", CONTENT)
    with yard.server.session("shop") as session, session.cursor() as cursor:
        cursor.execute("set allow_in_place_tablespaces = on")
        cursor.execute("create tablespace fast location ''")
        cursor.execute("alter table messages set tablespace fast")
        try:
            assert yard.back_up().state is State.PROVEN
        finally:
            cursor.execute("drop table messages cascade")
            cursor.execute("drop tablespace fast")


def test_stopped_server_ends_the_drill(yard: Yard):
    """When the application stops, the drill is ended at once, and the backup stays as it was."""
    made = yard.back_up(SLOW, drill="off")
    page = yard.open()
    page.drill(made.id)
    wait_until(yard.left_over, what="the scratch server")
    page.stop()
    assert yard.left_over() == []
    kept = yard.catalog.backup(made.id)
    assert (kept.state, kept.drill) == (State.CHECKED, None)
    assert yard.open().status()["running"] is None


def test_only_one_thing_at_a_time(yard: Yard):
    """While a drill runs, another one and a backup are refused."""
    made = yard.back_up(SLOW, drill="off")
    page = yard.open()
    page.drill(made.id)
    for refused in (lambda: page.drill(made.id), lambda: page.request(reason="manual")):
        with pytest.raises(Conflict):
            refused()
    assert page.status()["running"]["phase"] == "drilling"


def test_damaged_and_unknown_ones_are_refused(yard: Yard):
    """What is not there is NotFound; what is damaged is not drilled."""
    made = yard.back_up(CONTENT, drill="off")
    page = yard.open()
    with pytest.raises(NotFound):
        page.drill("nothing")
    flip_a_bit(yard.folder / made.file)
    page.inspection.verify(made.id)
    with pytest.raises(InputRejected, match="it is damaged"):
        page.drill(made.id)


def test_one_a_day(yard: Yard):
    """With `daily`, one backup of a day is drilled and the others are checked."""
    states = []
    for hours in (0, 10, 14):
        yard.clock.advance(hours=hours)
        states.append(yard.back_up(drill="daily").state)
    assert states == [State.PROVEN, State.CHECKED, State.PROVEN]


def test_killed_application_leaves_no_server(yard: Yard):
    """After SIGKILL in the middle of a drill its server ends by itself; the rest goes with the next drill."""
    made = yard.back_up(SLOW, drill="off")
    with yard.driller(made) as drilling:
        wait_until(yard.servers, what="the scratch server", deadline=30)
        drilling.kill()
    wait_until(lambda: not yard.servers(), what="the server's end")
    assert yard.open().status()["running"] is None
    assert yard.catalog.backup(made.id).state is State.CHECKED
    assert "backup_failed" not in [code for code, condition in yard.codes() if condition == "raised"]
    yard.server.run("shop", "drop materialized view slow")
    assert yard.back_up().state is State.PROVEN
    assert yard.left_over() == []


def test_killed_application_is_cleaned_up_after_by_who_lives(yard: Yard):
    """Another worker, which has been up for long, removes what a killed one has left when it looks."""
    made = yard.back_up(SLOW, drill="off")
    living = yard.open()
    assert living.status()["running"] is None
    with yard.driller(made) as drilling:
        wait_until(yard.servers, what="the scratch server", deadline=30)
        assert living.status()["running"]["phase"] == "drilling"
        drilling.kill()
    assert living.status()["running"] is None
    assert (yard.left_over(), yard.servers()) == ([], [])


@pytest.mark.kill
@pytest.mark.timeout(900)
def test_killed_at_random_instants(yard: Yard):
    """Killed at any instant of a drill, nothing of it runs on, and the backup is as it was."""
    made = yard.back_up(CONTENT, drill="off")
    luck = random.Random(5)
    for _ in range(20):
        with yard.driller(made) as drilling:
            wait_until(lambda: yard.open().status()["running"] or drilling.poll() is not None, what="a drill")
            time.sleep(luck.random())  # Because the instant is to be a random one.
            drilling.kill()
        wait_until(lambda: not yard.servers(), what="the server's end")
        assert yard.catalog.backup(made.id).state in {State.CHECKED, State.PROVEN}
        assert yard.open().inspection.verify()["ok"]
    assert yard.back_up().state is State.PROVEN
    assert yard.left_over() == []
