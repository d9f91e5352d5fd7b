"""Two truths compared."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.backup.questions import Part
from app.backup.truth import Rows, Told, Truth, differences, shortened

SHOP = Truth(
    method="record",
    tables={"public.a": Rows(2, "17"), "public.b": Rows(0, "0")},
    sequences={"public.a_id_seq": ("2", "5")},
    large_objects=Rows(0, "0"),
    counts={"indexes": 3},
)


def test_equal_ones_have_no_difference():
    """A truth is like itself, however long it took to be found out."""
    assert differences(SHOP, replace(SHOP, seconds=9.0)) == []


@pytest.mark.parametrize(("place", "is_found"), [("1", True), ("2", False), ("5", False), ("6", True)])
def test_sequence_may_have_moved_during_the_dump(place: str, *, is_found: bool):
    """A sequence stands anywhere between where it was before and after, because no snapshot holds it."""
    restored = replace(SHOP, sequences={"public.a_id_seq": (place, place)})
    assert bool(differences(SHOP, restored)) is is_found


def test_sequence_that_goes_down_may_have_moved_too():
    """Before and after are not in order where it counts down, and may be beyond 64 bits."""
    down = replace(SHOP, sequences={"s": ("5", "-9223372036854775809")})
    assert differences(down, replace(SHOP, sequences={"s": ("0", "0")})) == []


def test_kind_that_only_one_release_counts_says_nothing():
    """A count that the other truth has not is no difference."""
    assert differences(SHOP, replace(SHOP, counts={"indexes": 3, "policies": 1})) == []
    assert differences(replace(SHOP, counts={"tables": 1}), SHOP) == []


def test_many_differences_are_counted():
    """Of many differences the first are told, and how many more there are."""
    tables = {f"public.t{number}": Rows(1, "1") for number in range(100)}
    told = shortened(differences(replace(SHOP, tables=tables), SHOP))
    assert len(told) == 20
    assert told[-1] == "83 more"


def test_truth_is_made_of_lines():
    """What psql printed becomes numbers; the sequences are told twice."""
    told = Told()
    told.lines[Part.TABLES] = ['["public.a", 2, "17"]', '["public.b", 0, "0"]']
    told.lines[Part.SEQUENCES] = ['["public.a_id_seq", "2"]']
    told.lines[Part.LARGE_OBJECTS] = ['[0, "0"]']
    told.lines[Part.COUNTS] = ['{"indexes": 3}']
    assert told.truth("record", ['["public.a_id_seq", "5"]']) == SHOP


def test_summary_is_short():
    """A status holds sums, not each table."""
    assert SHOP.summary["rows"] == 2
    assert "public.a" not in str(SHOP.summary)
