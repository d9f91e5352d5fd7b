from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from app.logs import error_index
from app.logs.error_index import ErrorIndex

from .written import BEGIN, Log, line


@pytest.fixture
def log(tmp_path: Path) -> Log:
    return Log(tmp_path / "errors.log")


@pytest.fixture
def index(log: Log, tmp_path: Path) -> Iterator[ErrorIndex]:
    index = ErrorIndex(log.path, tmp_path / "error_groups" / "errors.sqlite")
    yield index
    index.close()


def errors(log: Log, *numbers: int, message: str = "cannot pay") -> None:
    log.append(*(line(number, "ERROR", message=message) for number in numbers))


def counts(index: ErrorIndex) -> dict[str, int]:
    return {group.message: group.count for group in index.newest(100, None, None)}


def test_errors_are_counted_by_kind(log: Log, index: ErrorIndex):
    """Each line counts once, however often it is folded."""
    errors(log, 1, 2)
    errors(log, 3, message="cannot ship")
    assert index.fold() == 3
    assert index.fold() == 0
    errors(log, 4)
    index.fold()
    assert counts(index) == {"cannot pay": 3, "cannot ship": 1}
    assert index.count() == 2


@pytest.mark.parametrize("compress", [True, False])
def test_rotations_lose_and_repeat_nothing(log: Log, index: ErrorIndex, compress: bool):
    """What was cut off before it was folded is found in the archives."""
    errors(log, 1)
    index.fold()
    for number in range(2, 10, 2):
        errors(log, number)
        log.rotate(compress=compress)
        errors(log, number + 1)
    index.fold()
    log.rotate(compress=compress)
    index.fold()
    assert counts(index) == {"cannot pay": 9}


def test_a_renamed_file_is_counted_to_its_end(log: Log, index: ErrorIndex):
    """Where the disk had no room for a copy."""
    errors(log, 1)
    index.fold()
    errors(log, 2)
    log.rename()
    errors(log, 3)
    index.fold()
    assert counts(index) == {"cannot pay": 3}


def test_two_processes_count_each_line_once(log: Log, index: ErrorIndex, tmp_path: Path):
    """The place is in the transaction that counts."""
    other = ErrorIndex(log.path, tmp_path / "error_groups" / "errors.sqlite")
    for number in range(50):
        errors(log, number)
        (index if number % 3 else other).fold()
    index.fold()
    other.close()
    assert counts(index) == {"cannot pay": 50}


def test_only_what_comes_after_the_beginning_is_new(log: Log, index: ErrorIndex):
    """The thousands of an old file are told of to nobody; a kind that comes later is, once."""
    errors(log, 1)
    log.rotate()
    errors(log, 2, message="cannot ship")
    index.fold()
    assert index.untold(10) == []
    errors(log, 3)
    errors(log, 4, 5, message="cannot refund")
    index.fold()
    new = index.untold(10)
    assert [group.message for group in new] == ["cannot refund"]
    index.tell(new)
    errors(log, 6, message="cannot refund")
    index.fold()
    assert index.untold(10) == []


def test_a_deleted_index_is_made_again(log: Log, index: ErrorIndex, tmp_path: Path):
    """From the files that are there, and none of it is new."""
    errors(log, 1)
    log.rotate(compress=True)
    errors(log, 2)
    index.fold()
    shutil.rmtree(tmp_path / "error_groups")
    index.fold()
    assert counts(index) == {"cannot pay": 2}
    assert index.untold(10) == []


def test_groups_are_found_by_time_and_words(log: Log, index: ErrorIndex):
    """Those seen last come first; words may stand in the example too."""
    errors(log, 1)
    log.append(line(60, "ERROR", message="cannot ship", carrier="Correios"))
    index.fold()
    assert [group.message for group in index.newest(1, None, None)] == ["cannot ship"]
    assert [group.message for group in index.newest(9, BEGIN + timedelta(seconds=30), None)] == [
        "cannot ship"
    ]
    assert [group.message for group in index.newest(9, None, "CORREIOS")] == ["cannot ship"]
    assert [group.message for group in index.newest(9, None, "pay")] == ["cannot pay"]


def test_their_number_is_bounded(log: Log, index: ErrorIndex, monkeypatch: pytest.MonkeyPatch):
    """The newest are kept."""
    monkeypatch.setattr(error_index, "MOST_GROUPS", 3)
    for number, word in enumerate("abcde"):
        errors(log, number, message=word)
    index.fold()
    assert set(counts(index)) == {"c", "d", "e"}


def test_torn_lines_are_passed_over(log: Log, index: ErrorIndex):
    """What is no record is no error."""
    log.append(b'{"torn\n', b"[1]\n", b"\xff\n")
    errors(log, 1)
    index.fold()
    assert counts(index) == {"cannot pay": 1}


def test_there_need_not_be_a_file(log: Log, index: ErrorIndex):
    """Folding may begin before the first error."""
    log.path.unlink()
    assert index.fold() == 0
    log.path.touch()
    errors(log, 1)
    index.fold()
    assert [group.message for group in index.untold(9)] == ["cannot pay"]
