from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.logs.notes import Move, Notes
from app.logs.ring import SPOOL, Ring, make_ring
from app.logs.turn import Turn

LINES = b"".join(b'{"n":%d,"padding":"%b"}\n' % (number, b"x" * 50) for number in range(20))
FIRST = b'{"n":"first"}\n'


@pytest.fixture
def live(tmp_path: Path) -> Path:
    return tmp_path / "logs" / "app.log"


@pytest.fixture
def ring(live: Path) -> Iterator[Ring]:
    """A ring with LINES in it."""
    live.parent.mkdir(mode=0o700, exist_ok=True)
    ring = make_ring(live.parent / SPOOL, "app.1-aa", 1 << 16)
    ring.put(LINES)
    yield ring
    ring.abandon()


@pytest.fixture
def turn(live: Path) -> Iterator[Turn]:
    """The turn of a process whose file has FIRST in it."""
    turn = Turn(live)
    append(turn, FIRST)
    yield turn
    turn.close()


def append(turn: Turn, line: bytes) -> None:
    with turn.taken(1):
        turn.append(line)


def take(turn: Turn) -> None:
    """Take the turn as the next process does, which puts everything in order."""
    with turn.taken(1):
        pass


def move(turn: Turn, ring: Ring) -> None:
    with turn.taken(1):
        turn.move(ring)


def killed_while_moving(turn: Turn, ring: Ring, written: int) -> None:
    """Leave what a process leaves that was killed when so many bytes of its write were in the file."""
    notes = notes_of(turn)
    notes.begin(Move(ring.path.name, ring.tail, ring.head, notes.end))
    notes.close()
    with turn.file.path.open("ab") as file:
        file.write(LINES[:written])


def notes_of(turn: Turn) -> Notes:
    descriptor = os.open(turn.file.path.parent / SPOOL / "app.turn", os.O_RDWR)
    notes = Notes(descriptor)
    os.close(descriptor)
    return notes


def test_lines_move_from_ring_to_file(turn: Turn, ring: Ring, live: Path):
    """They are appended, and are in the ring no more."""
    move(turn, ring)
    assert live.read_bytes() == FIRST + LINES
    assert not ring.waiting_bytes


@pytest.mark.parametrize("written", [0, 1, 77, len(LINES) - 1, len(LINES)])
def test_a_write_that_a_kill_cut_off_is_completed(turn: Turn, ring: Ring, live: Path, written: int):
    """Whoever takes the turn next writes the rest: each line is there once, and whole."""
    killed_while_moving(turn, ring, written)
    other = Turn(live)
    append(other, b'{"n":"last"}\n')
    other.close()
    move(turn, ring)
    assert live.read_bytes() == FIRST + LINES + b'{"n":"last"}\n'
    assert not ring.waiting_bytes


def test_a_kill_after_the_write_was_noted_repeats_nothing(turn: Turn, ring: Ring, live: Path):
    """Between the note of what was written and the move of the ring's tail, nothing is written twice."""
    killed_while_moving(turn, ring, len(LINES))
    notes = notes_of(turn)
    notes.wrote(LINES)
    notes.close()
    move(turn, ring)
    assert live.read_bytes() == FIRST + LINES


def test_a_write_that_a_kill_cut_off_is_completed_in_a_file_that_was_moved(
    turn: Turn, ring: Ring, live: Path
):
    """Where logrotate has moved the file meanwhile, the rest goes where the beginning is."""
    killed_while_moving(turn, ring, 77)
    live.rename(live.with_name("app.log.1"))
    move(turn, ring)
    assert live.with_name("app.log.1").read_bytes() == FIRST + LINES
    assert live.read_bytes() == b""


def test_a_ring_that_is_gone_leaves_no_note(turn: Turn, ring: Ring, live: Path):
    """Somebody deleted it; half a line that came from it is blanked, and spoils no other."""
    killed_while_moving(turn, ring, 77)
    ring.path.unlink()
    append(turn, b'{"n":"last"}\n')
    assert live.read_bytes().startswith(FIRST)
    assert live.read_bytes().endswith(b' \n{"n":"last"}\n')


def test_a_copytruncate_loses_nothing(turn: Turn, ring: Ring, live: Path):
    """What came between another program's copy and its truncation is written again."""
    shutil.copy(live, live.with_name("app.log.1"))
    move(turn, ring)
    os.truncate(live, 0)
    take(turn)
    assert live.with_name("app.log.1").read_bytes() + live.read_bytes() == FIRST + LINES


def test_a_copytruncate_is_seen_by_what_comes_later_too(turn: Turn, ring: Ring, live: Path):
    """Lines that other processes wrote are known to all; each is there once, the new ones behind."""
    other = Turn(live)
    shutil.copy(live, live.with_name("app.log.1"))
    append(other, b'{"n":"other"}\n')
    os.truncate(live, 0)
    move(turn, ring)
    other.close()
    assert live.read_bytes() == b'{"n":"other"}\n' + LINES


def test_a_file_that_somebody_emptied_stays_empty(turn: Turn, live: Path):
    """Without a copy of it, there is nothing to be written again."""
    os.truncate(live, 0)
    append(turn, b'{"n":"new"}\n')
    assert live.read_bytes() == b'{"n":"new"}\n'


def test_lines_that_others_append_stay(turn: Turn, ring: Ring, live: Path):
    """What an operator or another program has written to the file is kept."""
    with live.open("ab") as file:
        file.write(b"# note\n")
    move(turn, ring)
    assert live.read_bytes() == FIRST + b"# note\n" + LINES


def test_what_a_power_cut_made_of_a_ring_is_no_line(turn: Turn, ring: Ring, live: Path):
    """Blocks that never reached the disk come back as zeros; they become blanks."""
    ring.put(b'{"n":\0\0\0\0}\n')
    move(turn, ring)
    assert b"\0" not in live.read_bytes()


def test_a_turn_whose_file_was_deleted_is_the_same_for_all_again(turn: Turn, live: Path):
    """After somebody has deleted the spool, those who look after it agree on one file."""
    (live.parent / SPOOL / "app.turn").unlink()
    turn.follow()
    append(turn, b'{"n":2}\n')
    assert (live.parent / SPOOL / "app.turn").exists()
    assert live.read_bytes() == FIRST + b'{"n":2}\n'
