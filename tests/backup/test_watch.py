"""Old files that are read again, a little at a time."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from app.backup.catalog import PART, Catalog
from app.backup.model import Backup, State, Verdict
from app.backup.watch import Watch

from .samples import NOON, a_backup, a_run, an_id, flip_a_bit, publish, write_archive

WEEK = timedelta(days=7)


@pytest.fixture
def catalog(tmp_path: Path) -> Catalog:
    """A catalogue with three good backups, the oldest of ten days ago."""
    catalog = Catalog(tmp_path)
    for sequence, days_old in ((1, 10), (2, 9), (3, 1)):
        publish(catalog, sequence, days_old=days_old)
    return catalog


@pytest.fixture
def watch(catalog: Catalog) -> Iterator[Watch]:
    """A watch that reads each file once a week."""
    watch = Watch(catalog, every=WEEK)
    yield watch
    watch.close()


def read_at(catalog: Catalog, sequence: int) -> datetime | None:
    """When one was read again."""
    return catalog.backup(an_id(sequence)).rechecked_at


def large(catalog: Catalog, sequence: int = 1) -> Backup:
    """A backup with a file of nine million bytes, of ten days ago."""
    raw = random.Random(1).randbytes(9_000_000)
    fingerprint = write_archive(catalog.path(an_id(sequence), PART), raw)
    backup = a_backup(sequence, days_old=10, fingerprint=fingerprint)
    catalog.publish(backup)
    return backup


def test_each_is_read_once_a_week(catalog: Catalog, watch: Watch):
    """What was made or read more than a week ago is read, the oldest first, and then not for a week."""
    assert watch.tick(NOON, 15) == [Verdict(an_id(1), ok=True), Verdict(an_id(2), ok=True)]
    assert (read_at(catalog, 1), read_at(catalog, 3)) == (NOON, None)
    assert watch.tick(NOON + WEEK - timedelta(seconds=1), 15) == [Verdict(an_id(3), ok=True)]
    assert len(watch.tick(NOON + WEEK, 15)) == 2


def test_rot_is_found_and_put_down(catalog: Catalog, watch: Watch):
    """A flipped bit is found by the watch alone, and the backup no longer counts."""
    flip_a_bit(catalog.path(an_id(2)))
    (verdict,) = [one for one in watch.tick(NOON, 15) if not one.ok]
    assert (verdict.id, verdict.damaged) == (an_id(2), True)
    assert catalog.backup(an_id(2)).state is State.DAMAGED
    assert catalog.read().best_but(an_id(2)).id == an_id(3)
    assert watch.tick(NOON, 15) == []


@pytest.mark.parametrize("spoil", ["vanish", "cut"])
def test_what_is_gone_or_cut_is_told_at_once(catalog: Catalog, watch: Watch, spoil: str):
    """A file that vanished or lost its end is told by the next tick, whenever it was read, and once."""
    path = catalog.path(an_id(3))
    path.unlink() if spoil == "vanish" else path.write_bytes(path.read_bytes()[:-9])
    told = [one for one in watch.tick(NOON, 0) if not one.ok]
    assert [(one.id, one.damaged) for one in told] == [(an_id(3), True)]
    assert watch.tick(NOON, 0) == []


def test_what_is_there_again_is_told(catalog: Catalog, watch: Watch):
    """A disk that was unplugged for a while ends its own alert."""
    path = catalog.path(an_id(3))
    aside = path.rename(path.with_name("aside"))
    watch.tick(NOON, 0)
    aside.rename(path)
    assert watch.tick(NOON, 0) == [Verdict(an_id(3), ok=True)]


def test_large_file_is_read_over_several_ticks(tmp_path: Path):
    """No tick reads more than its budget; the file is gone on with where it was left."""
    catalog = Catalog(tmp_path)
    turn = catalog.turn()
    large(catalog)
    turn.release()
    watch = Watch(catalog, every=WEEK)
    assert [watch.tick(NOON, 1) for _ in range(2)] == [[], []]
    assert watch.tick(NOON, 1) == [Verdict(an_id(1), ok=True)]
    watch.close()


def test_damage_behind_the_middle_is_found(tmp_path: Path):
    """What is read in pieces is hashed as a whole."""
    catalog = Catalog(tmp_path)
    turn = catalog.turn()
    large(catalog)
    turn.release()
    flip_a_bit(catalog.path(an_id(1)), byte=6_000_000)
    watch = Watch(catalog, every=WEEK)
    told = [verdict for _ in range(3) for verdict in watch.tick(NOON, 1)]
    assert [one.fact for one in told] == ["its file is not what was written: sha256 differs"]
    watch.close()


def test_nothing_is_read_while_a_backup_is_made(catalog: Catalog, watch: Watch):
    """A run has the disk for itself."""
    turn = catalog.turn()
    catalog.tell(a_run(4))
    assert watch.tick(NOON, 15) == []
    catalog.over()
    turn.release()
    assert len(watch.tick(NOON, 15)) == 2


def test_proven_one_stays_proven(catalog: Catalog, watch: Watch):
    """What a drill has found out in the meantime is not written over."""
    backup = catalog.backup(an_id(1))
    catalog.rewrite(replace(backup, state=State.PROVEN))
    watch.tick(NOON, 15)
    assert (catalog.backup(an_id(1)).state, read_at(catalog, 1)) == (State.PROVEN, NOON)


def test_wrong_clock_of_the_past_is_no_reason_to_wait(catalog: Catalog, watch: Watch):
    """A file that was read in the future is read again."""
    catalog.rewrite(replace(catalog.backup(an_id(1)), rechecked_at=NOON + 400 * WEEK))
    assert Verdict(an_id(1), ok=True) in watch.tick(NOON, 15)


def test_it_can_be_switched_off(catalog: Catalog):
    """Without a period nothing is read, but what is gone is still seen."""
    watch = Watch(catalog, every=timedelta())
    assert watch.tick(NOON, 15) == []
    catalog.path(an_id(1)).unlink()
    assert [one.id for one in watch.tick(NOON, 15)] == [an_id(1)]
