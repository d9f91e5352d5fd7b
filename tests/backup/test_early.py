"""A drill that follows the dump: what it proves, what it leaves to the ordinary one, and how it is ended."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest

from app.backup.drill import Limits
from app.backup.early import EarlyDrill
from app.backup.model import Backup, CalledOff, State
from app.backup.outcome import Drill, Outcome
from app.core.clock import SystemClock
from app.core.signal import Condition
from app.testing import wait_until

from .drills import LARGE, SLOW, Yard, other_rows
from .server import CONTENT

# A dump that takes its time, and a restore that waits until that instant and not longer.
SLOWLY = {"max_bytes_per_second": 2_000_000, "drill_while_dumping": True}
UNTIL = """
create function sleepy() returns int language sql volatile as $$ select 1 from pg_sleep(case
    when current_database() = 'drill' then
        greatest(0, extract(epoch from timestamptz '{}' - clock_timestamp())) else 0 end) $$;
create materialized view slow as select public.sleepy();
"""


class Follower:
    """An early drill of a file that stands there already, as far as its reader is told."""

    def __init__(self, yard: Yard, backup: Backup) -> None:
        self.yard = yard
        self.backup = backup
        self.path = yard.folder / backup.file
        self.why: CalledOff | None = None

    @contextmanager
    def begun(self, seconds: float = 60, others_bytes: int = 0) -> Iterator[EarlyDrill]:
        """It has begun; what it has of time and room can be limited."""
        limits = Limits(self.yard.place, seconds, others_bytes=others_bytes)
        early = EarlyDrill(self.backup, self.path, self.path, limits, self._go_on)
        early.growth.is_whole()
        try:
            yield early
        finally:
            early.close()
            assert self.yard.left_over() == []
            assert "atalaia-early-drill" not in [thread.name for thread in threading.enumerate()]

    def finish(self, early: EarlyDrill, **claimed: Any) -> Drill | None:
        """What comes of it when all is known."""
        return early.finish(replace(self.backup, **claimed), SystemClock().now(), lambda _: None)

    def _go_on(self) -> None:
        if self.why is not None:
            raise self.why


def test_early_drill_proves(yard: Yard):
    """A database that is restored while it is dumped, and is what its source was, is proven at once."""
    made = yard.back_up(CONTENT, drill_while_dumping=True)
    assert made.drill is not None
    assert (made.state, made.drill.compared, made.drill.reason) == (State.PROVEN, "snapshot", "")
    assert made.drill.restore_seconds is not None
    assert 0 < made.drill.restore_seconds < made.drill.seconds
    assert yard.left_over() == []


def test_what_it_does_not_prove_is_left_to_the_ordinary_one(yard: Yard):
    """No room beside the dump, and a difference from the source, are not told but drilled once more."""
    follower = Follower(yard, yard.back_up(CONTENT, drill="off"))
    truth = follower.backup.truth
    assert truth is not None
    with follower.begun(others_bytes=1 << 60) as early:
        assert follower.finish(early) is None
    with follower.begun() as early:
        tables = other_rows(truth, "public.leads", count=7)
        assert follower.finish(early, truth=replace(truth, tables=tables)) is None
    with follower.begun() as early:
        proven = follower.finish(early)
    assert proven is not None
    assert proven.outcome is Outcome.PROVEN


def test_time_that_is_over_ends_it(yard: Yard):
    """A drill that takes too long ends, and the ordinary one is to judge."""
    follower = Follower(yard, yard.back_up(SLOW, drill="off"))
    with follower.begun(seconds=1) as early:
        assert follower.finish(early) is None


def test_error_of_the_machine_ends_it(yard: Yard):
    """What cannot be read ends the drill, and nothing else."""
    follower = Follower(yard, yard.back_up(CONTENT, drill="off"))
    follower.path = yard.folder
    with follower.begun() as early:
        assert follower.finish(early) is None


def test_cancelled_while_it_compares(yard: Yard):
    """Whoever waits for its end gets the reason, and its server is gone."""
    follower = Follower(yard, yard.back_up(SLOW, drill="off"))
    with follower.begun() as early:
        wait_until(yard.servers, what="the scratch server", deadline=30)
        follower.why = CalledOff("enough")
        with pytest.raises(CalledOff, match="enough"):
            follower.finish(early)
        wait_until(lambda: not yard.servers(), what="the server's end")


def test_cancelled_in_the_middle_of_the_dump(yard: Yard):
    """An operator's cancel ends dump, restore and server: nothing is left, nobody is alerted."""
    yard.server.make("shop", LARGE)
    page = yard.open(**SLOWLY)
    begun = page.request(reason="manual")
    wait_until(yard.servers, what="the scratch server", deadline=30)
    assert page.get(begun["id"])["phase"] == "dumping"
    told = page.cancel()
    assert (told["state"], told["called_off"]) == ("failed", True)
    wait_until(lambda: page.status()["running"] is None, what="the end")
    assert (yard.left_over(), yard.servers(), list(yard.folder.glob("*.part"))) == ([], [], [])
    assert Condition.RAISED not in [signal.condition for signal in yard.emit.signals]


def test_cancelled_when_the_backup_is_there(yard: Yard):
    """A backup that is cancelled while its early drill goes on stays, checked and not drilled."""
    yard.server.make("shop", SLOW)
    page = yard.open(drill_while_dumping=True)
    begun = page.request(reason="manual")
    wait_until(lambda: page.get(begun["id"])["phase"] == "drilling", what="the drill", deadline=30)
    page.cancel()
    wait_until(lambda: page.status()["running"] is None, what="the end")
    kept = yard.catalog.backup(begun["id"])
    assert (kept.state, kept.drill) == (State.CHECKED, None)
    assert (yard.left_over(), yard.servers()) == ([], [])


def test_killed_scratch_server_costs_nothing(yard: Yard):
    """When the scratch server is killed, the backup is published all the same and drilled once more."""
    until = yard.server.run("postgres", "select clock_timestamp() + interval '6 s'")[0][0]
    yard.server.make("shop", UNTIL.format(until))
    page = yard.open(drill_while_dumping=True)
    begun = page.request(reason="manual")
    wait_until(yard.servers, what="the scratch server", deadline=30)
    for server in yard.servers():
        server.kill()
    killed = yard.left_over()
    wait_until(lambda: yard.servers() and yard.left_over() != killed, what="another server", deadline=30)
    made = page.wait(begun["id"], 60)
    assert (made["state"], made["drill"]["outcome"]) == ("proven", "proven")
    assert Condition.RAISED not in [signal.condition for signal in yard.emit.signals]
    assert yard.left_over() == []
