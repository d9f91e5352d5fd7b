from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.logs.neighbours import Neighbours
from app.logs.ring import Ring, attached, make_ring, spool_trouble, taken_over

PAGE = 4_096


@pytest.fixture
def ring(tmp_path: Path) -> Iterator[Ring]:
    """A ring of one page."""
    ring = make_ring(tmp_path, "app.1-aa", PAGE)
    yield ring
    ring.abandon()


def line(number: int, size: int = 100) -> bytes:
    return b"%0*d\n" % (size - 1, number)


def take(ring: Ring, most: int = PAGE) -> bytes:
    """The oldest lines, as who has the turn moves them."""
    block = ring.oldest(most)
    ring.tail += len(block)
    return block


def leave(ring: Ring) -> None:
    """Do as the end of a process does: let go of the lock, and leave the lines."""
    ring.abandon()


def test_lines_come_out_as_they_went_in(ring: Ring):
    """Over many turns around the ring, also where a line goes over its end."""
    for number in range(500):
        assert ring.put(line(number))
        assert take(ring) == line(number)


def test_a_full_ring_takes_no_line(ring: Ring):
    """What does not fit changes nothing; there is room again when something was taken out."""
    kept = 0
    while ring.put(line(kept)):
        kept += 1
    assert kept == PAGE // 100
    assert not ring.put(line(0))
    assert take(ring, 100) == line(0)
    assert ring.put(line(kept))
    assert take(ring) == b"".join(line(number) for number in range(1, kept + 1))


def test_room_can_be_kept_free(ring: Ring):
    """A line that would go into the reserve is not taken; one that may, is."""
    while ring.put(line(1), kept_free=1_000):
        pass
    assert PAGE - ring.waiting_bytes >= 1_000
    assert ring.put(line(2))


def test_only_whole_lines_are_taken_out(ring: Ring):
    """A block ends with a line's end, and is at least one line."""
    for number in range(3):
        ring.put(line(number))
    assert ring.oldest(250) == line(0) + line(1)
    assert ring.oldest(10) == line(0) + line(1) + line(2)


def test_lines_outlive_their_owner(ring: Ring, tmp_path: Path):
    """A ring without an owner is found with its lines; one that has an owner is left alone."""
    ring.put(line(1))
    assert taken_over(ring.path) is None
    leave(ring)
    found = taken_over(ring.path)
    assert found is not None
    assert take(found) == line(1)
    found.close()
    assert not list(tmp_path.glob("*.ring"))


def test_a_ring_with_lines_is_not_removed(ring: Ring):
    """Closing leaves what is not in the file yet to the next process."""
    ring.put(line(1))
    ring.close()
    assert ring.path.exists()


def test_an_owner_that_died_while_winding_back_leaves_an_empty_ring(ring: Ring, tmp_path: Path):
    """Where the tail is beyond the head, nothing is in it."""
    ring.put(line(1))
    ring.tail = 2 * PAGE
    other = attached(ring.path)
    assert other is not None
    assert other.waiting_bytes == 0
    assert other.oldest(PAGE) == b""
    other.abandon()


def test_a_ring_that_is_emptied_in_time_stays_small(tmp_path: Path):
    """It goes on at its front, so that few of its pages are ever touched."""
    ring = make_ring(tmp_path, "app.1-bb", 1 << 20)
    for number in range(20_000):
        ring.put(line(number))
        assert take(ring) == line(number)
        ring.wind_back()
    assert ring.head % ring.size <= (1 << 16) + 100
    assert not any(ring.read(ring.head - ring.head % ring.size + (1 << 17), ring.size))
    ring.close()


def test_a_broken_ring_is_set_aside(tmp_path: Path):
    """A file that is no ring stops nothing, and is kept for whoever wants to look."""
    (tmp_path / "app.9-ff.ring").touch()
    assert taken_over(tmp_path / "app.9-ff.ring") is None
    assert (tmp_path / "app.9-ff.broken").exists()


def test_neighbours_are_known_to_live_or_to_have_died(ring: Ring, tmp_path: Path):
    """A death is seen at the next look, and so is whoever came later."""
    neighbours = Neighbours(tmp_path)
    assert not neighbours.dead("2-bb")
    leave(ring)
    assert neighbours.dead("2-bb") == {"1-aa"}
    assert not neighbours.dead("1-aa")
    neighbours.close()


def test_a_folder_without_room_for_a_ring_is_told(tmp_path: Path):
    """Where no ring can be made there is a reason; where one can, nothing is left behind."""
    assert spool_trouble(tmp_path) == ""
    assert not list((tmp_path / ".spool").iterdir())
    (tmp_path / "file").touch()
    assert spool_trouble(tmp_path / "file")


def test_the_lock_of_a_ring_ends_with_its_owner_only(ring: Ring):
    """A forked child that lets go of its parent's ring does not make it look dead."""
    pid = os.fork()
    if pid == 0:
        ring.abandon()
        os._exit(0)
    os.waitpid(pid, 0)
    with ring.path.open("rb") as file, pytest.raises(BlockingIOError):
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
