from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from app.logs.verify import Proof, verified

from .written import Log, line


@pytest.fixture
def log(tmp_path: Path) -> Log:
    return Log(tmp_path / "app.log")


def lines(log: Log, *numbers: int, pid: int = 7, **fields: Any) -> None:
    """Lines of one process with these numbers."""
    log.append(*(line(number, pid=pid, seq=number, **fields) for number in numbers))


def dropped(log: Log, seq: int, count: int, pid: int = 7) -> None:
    """The record that tells of drops."""
    log.append(line(seq, "WARNING", message="logs.dropped", count=count, pid=pid, seq=seq))


def gaps(proof: Proof) -> list[tuple[int, int, int, int]]:
    return [(gap.pid, gap.first, gap.last, gap.dropped) for gap in proof.gaps]


def test_a_whole_log_is_complete(log: Log):
    """Over processes, rotations and compression."""
    lines(log, *range(1, 50))
    log.rotate(compress=True)
    lines(log, *range(1, 20), pid=8)
    log.rotate()
    lines(log, *range(50, 60))
    proof = verified(log.path)
    assert proof.is_complete
    assert (proof.lines, proof.processes, proof.gaps) == (78, 2, [])


def test_a_gap_is_shown(log: Log):
    """Which numbers of which process are not there, and when the next one came."""
    lines(log, 1, 2, 5)
    lines(log, 1, 2, pid=8)
    lines(log, 9)
    proof = verified(log.path)
    assert not proof.is_complete
    assert (proof.missing, gaps(proof)) == (5, [(7, 3, 4, 0), (7, 6, 8, 0)])
    assert proof.gaps[0].before == "2026-11-23T12:00:05.000000Z"


def test_the_first_lines_of_a_process_may_not_be_missing(log: Log):
    """While no archive was removed, every process begins at 1."""
    lines(log, 3)
    assert gaps(verified(log.path)) == [(7, 1, 2, 0)]


def test_drops_that_were_told_are_told_apart(log: Log):
    """As many as the record says, the oldest first, and no more."""
    lines(log, 1, 5)
    dropped(log, 6, count=3)
    lines(log, 7, 10)
    dropped(log, 11, count=1)
    proof = verified(log.path)
    assert (proof.dropped, proof.missing) == (4, 1)
    assert gaps(proof) == [(7, 2, 4, 3), (7, 8, 9, 1)]


def test_a_told_drop_alone_is_complete(log: Log):
    """Nothing has gone without a word."""
    lines(log, 1, 5)
    dropped(log, 6, count=3)
    assert verified(log.path).is_complete


def test_a_process_id_may_come_again(log: Log):
    """Another process with the same id begins at 1 anew, and its own gaps count."""
    lines(log, *range(1, 400))
    lines(log, 1, 2, 4, state="other")
    proof = verified(log.path)
    assert proof.processes == 2
    assert gaps(proof) == [(7, 3, 3, 0)]


def test_retention_is_no_gap(log: Log):
    """When the oldest archives were removed, a process may begin anywhere, but not have holes."""
    lines(log, *range(1, 10))
    log.rotate().unlink()
    lines(log, *range(10, 20))
    log.rotate(compress=True)
    lines(log, 20, 22)
    proof = verified(log.path)
    assert proof.shortened
    assert gaps(proof) == [(7, 21, 21, 0)]


def test_a_missing_archive_between_others_is_a_gap(log: Log):
    """Its lines are gone."""
    lines(log, 1, 2)
    log.rotate()
    lines(log, 3, 4)
    log.rotate().unlink()
    lines(log, 5)
    assert gaps(verified(log.path)) == [(7, 3, 4, 0)]


def test_duplicates_and_late_lines_are_found(log: Log):
    """The same line twice, and a line after a later one."""
    lines(log, 1, 2, 2, 4, 3)
    proof = verified(log.path)
    assert (proof.duplicates, proof.out_of_order, proof.missing) == (1, 1, 0)
    assert not proof.is_complete


def test_torn_and_foreign_lines_are_counted(log: Log):
    """They are no proof of anything missing."""
    log.append(b'{"torn\n', line(1), b"plain\n")
    lines(log, 1)
    proof = verified(log.path)
    assert (proof.torn, proof.foreign, proof.is_complete) == (2, 1, True)


def test_nothing_is_complete(tmp_path: Path):
    """A log that nobody has written to misses nothing."""
    assert verified(tmp_path / "app.log").is_complete


def test_the_document_says_all(log: Log):
    """For programs: counts, gaps, and whether it is complete."""
    lines(log, 1, 3)
    document = verified(log.path).document()
    assert document["file"] == "app.log"
    assert document["complete"] is False
    assert document["gaps"] == [
        {"pid": 7, "first": 2, "last": 2, "before": "2026-11-23T12:00:03.000000Z", "dropped": 0, "missing": 1}
    ]
