from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from app.logs.generations import Place, place_of
from app.logs.matching import query
from app.logs.tail import Tail, follow

from .written import Log, line


@pytest.fixture
def log(tmp_path: Path) -> Log:
    return Log(tmp_path / "app.log")


class Script:
    """What happens to a log while it is followed: one step each time the follower waits."""

    def __init__(self, *steps: Callable[[], object]) -> None:
        self._steps = list(steps)

    def __call__(self, _seconds: float) -> bool:
        if not self._steps:
            return True
        self._steps.pop(0)()
        return False


def followed(log: Log, *steps: Callable[[], object], last: int = 0, **sent: Any) -> list[int]:
    """The numbers of the lines that a follower shows until the script is over."""
    return [record["n"] for record in follow(log.path, query(**sent), last, Script(*steps))]


def test_lines_are_shown_as_they_come(log: Log):
    """Only what comes after the beginning is shown."""
    log.write(range(3))
    assert followed(log, lambda: log.write(range(3, 5)), lambda: log.write(range(5, 6))) == [3, 4, 5]


def test_the_last_lines_can_be_shown_first(log: Log):
    """As many as are asked for, or as there are, over archives."""
    log.write(range(500))
    log.rotate(compress=True)
    log.write(range(500, 700))
    assert followed(log, last=600) == list(range(100, 700))
    assert followed(log, last=1_000) == list(range(700))


def test_only_what_matches_is_shown(log: Log):
    """Filters count for the last lines and for those that come; the last ones are the last that match."""
    log.append(line(1, "ERROR"), *map(line, range(2, 50)))

    def write() -> None:
        log.append(line(50), line(51, "ERROR"), line(52, "ERROR", user_id="u1"))

    assert followed(log, write, last=1, level="ERROR") == [1, 51, 52]
    assert followed(log, lambda: log.append(line(53, user_id="u1")), last=5, user_id="u1") == [52, 53]


@pytest.mark.parametrize("compress", [True, False])
def test_rotations_hide_no_line(log: Log, compress: bool):
    """Lines that were cut off before they were seen are shown from the archives, then the newer ones."""
    log.write(range(1))

    def write_and_rotate() -> None:
        for first in (10, 20, 30):
            log.write(range(first, first + 10))
            log.rotate(compress=compress)
        log.write(range(40, 50))

    assert followed(log, lambda: log.write(range(1, 10)), write_and_rotate) == list(range(1, 50))


def test_a_file_that_grew_past_the_old_place_is_not_mistaken(log: Log):
    """A rotation is noticed even when the new file is longer than the old one was."""
    log.write(range(5))

    def rotate_and_write_more() -> None:
        log.rotate()
        log.write(range(5, 100))

    assert followed(log, rotate_and_write_more) == list(range(5, 100))


def test_a_rotation_by_rename_is_followed(log: Log):
    """Where the disk had no room for a copy, the rest of the old file is shown, then the new one."""
    log.write(range(5))

    def rename() -> None:
        log.write(range(5, 7))
        log.rename()
        log.write(range(7, 9))

    assert followed(log, rename, lambda: None) == [5, 6, 7, 8]


def test_a_moved_file_is_read_to_its_end(log: Log):
    """After an external logrotate the rest of the old file is shown, then the new one."""
    log.write(range(5))

    def move() -> None:
        log.write(range(5, 7))
        log.path.rename(log.path.with_name("app.log.1"))
        log.write(range(7, 9))

    assert followed(log, move, lambda: None) == [5, 6, 7, 8]


def test_an_emptied_file_is_read_from_its_start(log: Log):
    """After logrotate's copytruncate the new lines are shown."""
    log.write(range(5))

    def empty() -> None:
        log.path.write_bytes(b"")
        log.write(range(5, 7))

    assert followed(log, empty) == [5, 6]


def test_a_file_that_does_not_exist_yet_is_awaited(log: Log):
    """Following may begin before the first line."""
    log.path.unlink()
    assert followed(log, lambda: None, lambda: log.write(range(2))) == [0, 1]


def test_half_a_line_is_awaited(log: Log):
    """A line is shown when it has its end."""
    whole = line(1)
    assert followed(log, lambda: log.append(whole[:9]), lambda: log.append(whole[9:])) == [1]


def test_long_lines_are_shown(log: Log):
    """A line that is longer than what is read at once is whole."""
    assert followed(log, lambda: log.append(line(1, padding="x" * 300_000), line(2))) == [1, 2]


@pytest.mark.parametrize("rotate", [Log.size, Log.rotate, lambda log: log.rotate(compress=True)])
def test_a_reader_goes_on_from_a_place(log: Log, rotate: Callable[[Log], object]):
    """The lines behind it come once, also when the file was rotated while nobody was reading."""
    log.write(range(10))
    tail = Tail(log.path, query(), last=4)
    events = tail.read()
    tail.close()
    place = place_of(str(events[1].place))
    rotate(log)
    log.write(range(10, 12))
    again = Tail(log.path, query(), after=place)
    found = []
    while (events := again.read()) is not None:
        found += [event.record["n"] for event in events]
    again.close()
    assert found == [8, 9, 10, 11]
    assert again.missed == 0


def test_a_place_that_is_gone_is_told(log: Log):
    """When the archive was removed meanwhile, reading goes on with what follows it."""
    log.write(range(10))
    before = Tail(log.path, query(), last=1)
    place = before.place
    before.close()
    log.rotate().unlink()
    log.write(range(10, 12))
    log.rotate()
    tail = Tail(log.path, query(), after=place)
    assert [event.record["n"] for event in tail.read() or ()] == [10, 11]
    assert tail.missed == 1
    tail.close()


def test_what_is_damaged_in_an_archive_is_passed_over(log: Log):
    """The lines before and behind it are shown, whatever a bit that flipped has cost."""
    log.write(range(20_000), padding="x" * 100)
    archive = log.rotate(compress=True)
    damaged = bytearray(archive.read_bytes())
    damaged[len(damaged) // 2] ^= 1
    archive.write_bytes(damaged)
    log.write([20_000])
    tail = Tail(log.path, query(), after=Place(1, 0))
    found = []
    while (events := tail.read()) is not None:
        found += [event.record["n"] for event in events]
    tail.close()
    assert 10_000 < len(found) < 20_000
    assert (found[0], found[-1]) == (0, 20_000)
    assert found == sorted(found)


def test_blanked_lines_hide_nothing_behind_them(log: Log):
    """What a kill has cut off is blanked by the next writer, and passed over here."""
    log.write(range(2))
    log.append(b" " * 100_000 + b"\n")
    log.rotate()
    log.append(b"    \n")
    log.write([2])
    assert followed(log, last=9) == [0, 1, 2]
    tail = Tail(log.path, query(), after=Place(1, 0))
    numbers = [event.record["n"] for _ in range(2) for event in tail.read() or ()]
    tail.close()
    assert numbers == [0, 1, 2]
