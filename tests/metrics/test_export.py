"""The export gives the journals' events of a period, to spreadsheets and to programs."""

from __future__ import annotations

import csv
import io
import json
import tracemalloc
from pathlib import Path

import pytest

from app.core.errors import InputRejected

from .desk import Desk, event, write_journal


def exported(folder: Path, **arguments: str) -> str:
    """All blocks of an export together."""
    desk = Desk(folder)
    text = b"".join(desk.page.export(**arguments)).decode()
    desk.close()
    return text


def test_csv_has_a_column_for_every_field(tmp_path: Path) -> None:
    """Money is exact text, tags are JSON, times are RFC 3339."""
    write_journal(
        tmp_path, "1-aa", [event("revenue", amount="120.50", key="b1", value=2, tags={"channel": "web"})]
    )
    (row,) = csv.DictReader(io.StringIO(exported(tmp_path)))
    assert {field: text for field, text in row.items() if text} == {
        "name": "revenue",
        "at": "2026-11-23T10:00:00Z",
        "recorded": "2026-11-23T12:00:00Z",
        "key": "b1",
        "value": "2",
        "amount": "120.50",
        "currency": "BRL",
        "tags": '{"channel":"web"}',
        "counted": "true",
    }


def test_json_lines_are_the_journal_with_what_counts(tmp_path: Path) -> None:
    """Of two lines with one key, one counts."""
    write_journal(tmp_path, "1-aa", [event("message", key="k"), event("message", key="k", value=5)])
    lines = [json.loads(line) for line in exported(tmp_path, format="jsonl").splitlines()]
    assert sorted(line["counted"] for line in lines) == [False, True]


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_no_cell_is_a_formula(tmp_path: Path, start: str) -> None:
    """What a user sent cannot run in the spreadsheet of the one who reads it."""
    write_journal(tmp_path, "1-aa", [event("message", user_id=f"{start}cmd|' /C calc'!A0", key=f"{start}1")])
    (row,) = csv.DictReader(io.StringIO(exported(tmp_path), newline=""))
    assert row["user_id"].startswith(f"'{start}")
    assert row["key"].startswith(f"'{start}")


def test_negative_numbers_stay_numbers(tmp_path: Path) -> None:
    """Amounts and values cannot be formulas, and are left as they are."""
    write_journal(tmp_path, "1-aa", [event("balance", amount="-3", value=-1)])
    (row,) = csv.DictReader(io.StringIO(exported(tmp_path)))
    assert (row["amount"], row["value"]) == ("-3.00", "-1")


def test_only_the_period_is_exported(tmp_path: Path) -> None:
    """What happened before or after it, and what is no event, stays out."""
    days = [event("message", at=f"2026-11-{day}T10:00:00Z", key=day) for day in ("20", "21", "22")]
    write_journal(tmp_path, "1-aa", [*days, b"broken"])
    text = exported(tmp_path, format="jsonl", from_="2026-11-21", to="2026-11-21")
    assert [json.loads(line)["key"] for line in text.splitlines()] == ["21"]


def test_an_event_recorded_late_is_exported_with_its_own_day(tmp_path: Path) -> None:
    """The day of the file says nothing about the day of the event."""
    write_journal(tmp_path, "1-aa", [event("message", at="2026-01-05T10:00:00Z")])
    assert "2026-01-05" in exported(tmp_path, from_="2026-01-05", to="2026-01-05")


def test_an_unknown_format_is_rejected_before_anything_is_sent(tmp_path: Path) -> None:
    """The caller gets an error and not half a file."""
    desk = Desk(tmp_path)
    with pytest.raises(InputRejected, match="is not a format"):
        desk.page.export(format="xlsx")
    with pytest.raises(InputRejected):
        desk.page.export(period="fortnight")
    desk.close()


def peak_bytes(desk: Desk) -> int:
    """The most memory that an export of today needed at once."""
    tracemalloc.start()
    for _ in desk.page.export():
        pass
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak


def test_a_longer_export_needs_no_more_memory(tmp_path: Path) -> None:
    """A journal three times as long passes through the same memory."""
    desk = Desk(tmp_path)
    long = event("message", tags={f"t{n}": "x" * 190 for n in range(10)})
    write_journal(tmp_path, "1-aa", [long] * 1_000)
    first = peak_bytes(desk)
    write_journal(tmp_path, "2-bb", [long] * 2_000)
    assert peak_bytes(desk) < first * 1.2
    desk.close()
