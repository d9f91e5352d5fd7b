"""Backups with much less in them than those before."""

from __future__ import annotations

from dataclasses import replace

from app.backup.model import Backup
from app.backup.shrinkage import shrunken
from app.backup.truth import Rows, Truth

from .samples import a_backup


def holding(sequence: int = 9, *, raw_bytes: int = 1_000_000, **tables: int) -> Backup:
    """A backup with so many rows in each table."""
    counted = {name: Rows(count, "0") for name, count in tables.items()}
    truth = Truth("record", counted, {}, Rows(0, "0"), {})
    return replace(a_backup(sequence), raw_bytes=raw_bytes, truth=truth)


def test_as_many_as_before_is_no_news():
    """Growing, and shrinking by less than the share, is said by nobody."""
    before = [holding(8, messages=100_000)]
    assert shrunken(holding(messages=120_000), before, 50) == ()
    assert shrunken(holding(messages=50_000), before, 50) == ()


def test_fewer_bytes_are_told():
    """The bytes before compression are compared with those that were usual."""
    (fact,) = shrunken(holding(raw_bytes=400_000), [holding(n) for n in (8, 7, 6)], 50)
    assert fact == "it has 400,000 bytes before compression, 1,000,000 were usual"


def test_fewer_rows_are_told_by_table():
    """A table that was emptied or dropped is named."""
    before = [holding(8, messages=5_000, leads=9_000, prices=90_000)]
    told = shrunken(holding(messages=10, prices=90_000), before, 50)
    assert told == (
        "the table leads is gone, 9,000 were there before",
        "the table messages has 10 rows, 5,000 were there before",
    )


def test_all_rows_gone_is_told():
    """An empty database where there was a full one is no good news."""
    assert "it has 0 rows, 5,000 were usual" in shrunken(holding(), [holding(8, messages=5_000)], 50)


def test_queue_that_comes_and_goes_is_no_news():
    """A table that was as small within the last week, or has few rows anyway, is not told."""
    before = [holding(8, queue=9_000, people=90_000), holding(7, queue=0, people=90_000)]
    assert shrunken(holding(queue=10, people=90_000), before, 50) == ()
    few = [holding(8, settings=900, people=90_000)]
    assert shrunken(holding(settings=1, people=90_000), few, 50) == ()


def test_first_backup_and_no_wish_to_know():
    """There is nothing to compare the first one with, and 0 switches it off."""
    assert shrunken(holding(), [], 50) == ()
    assert shrunken(holding(raw_bytes=1), [holding(8)], 0) == ()


def test_long_list_is_cut():
    """Of many tables three are named and the others counted."""
    full = {f"t{n}": 2_000 for n in range(9)}
    told = shrunken(holding(other=90_000), [holding(8, other=90_000, **full)], 50)
    assert told[-1] == "6 further tables have shrunk too"
