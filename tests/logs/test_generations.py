from __future__ import annotations

import itertools
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.errors import InputRejected
from app.logs.generations import Place, Plain, found_again, generations, head_of, place_of

from .written import Log, line


@pytest.fixture
def log(tmp_path: Path) -> Log:
    return Log(tmp_path / "app.log")


@given(st.integers(0, 10**9 - 1), st.integers(0, 10**15 - 1), st.sampled_from(["", "00c0ffee"]))
def test_a_place_is_the_same_after_it_was_a_text(number: int, offset: int, head: str):
    """As an id of an event, or within a cursor."""
    assert place_of(str(Place(number, offset, head))) == Place(number, offset, head)


@pytest.mark.parametrize("text", ["", "1", "1-2", "-1-2-", "1-2-xyz", "1-2-00c0ffee-", "9" * 10 + "-1-"])
def test_other_texts_are_no_places(text: str):
    """They are refused with a hint."""
    with pytest.raises(InputRejected) as rejected:
        place_of(text)
    assert rejected.value.hint


@given(st.lists(st.integers(0, 300_000), max_size=8), st.booleans())
def test_backwards_every_line_is_in_one_block(
    tmp_path_factory: pytest.TempPathFactory, sizes: list[int], end: bool
):
    """Whole, whatever its length, with its offset; half a line may be the last."""
    text = b"".join(b"%d" % index + b"x" * size + b"\n" for index, size in enumerate(sizes))
    text = text if end else text[:-1]
    path = tmp_path_factory.mktemp("plain") / "log"
    path.write_bytes(text)
    descriptor = os.open(path, os.O_RDONLY)
    try:
        blocks = list(Plain(descriptor).backwards(len(text)))
    finally:
        os.close(descriptor)
    pieces = [(block.start + block.first, block.data[block.first :]) for block in reversed(blocks)]
    assert b"".join(piece for _, piece in pieces) == text
    assert [start for start, _ in pieces] == list(
        itertools.accumulate((len(p) for _, p in pieces), initial=0)
    )[:-1]
    assert all(piece.endswith(b"\n") for _, piece in pieces[:-1])


def test_a_generation_keeps_its_number_when_it_is_cut_and_compressed(log: Log):
    """So that places in it stay where they are."""
    log.write(range(3))
    (live,) = generations(log.path)
    place = Place(live.number, 5, head_of(live))
    for archive in (log.rotate(), log.rotate(compress=True)):
        found = found_again(log.path, place)
        assert (found.number, found.archive is not None) == (1, True), archive
    assert [one.number for one in generations(log.path)] == [1, 2, 3]


def test_a_generation_is_known_by_its_first_line(log: Log):
    """Where numbers began anew, it is found all the same; where it is gone, nothing is."""
    log.write(range(3))
    place = Place(17, 5, head_of(generations(log.path)[0]))
    assert found_again(log.path, place).number == 1
    log.path.write_bytes(line(9))
    assert found_again(log.path, place) is None
    assert found_again(log.path, Place(17, 0)) is None
    assert found_again(log.path, Place(1, 0)).number == 1


def test_a_first_line_that_is_not_whole_tells_nothing(log: Log):
    """Because it would not be the same later; one that is very long tells by its beginning."""
    log.append(b"half")
    assert head_of(generations(log.path)[0]) == ""
    log.append(b"x" * 600)
    before = head_of(generations(log.path)[0])
    log.append(b"more\n")
    assert before == head_of(generations(log.path)[0]) != ""
