from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from app.core.clock import rfc3339
from app.core.errors import InputRejected
from app.logs.search import Found, Query, query, search

BEGIN = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def line(number: int, level: str = "INFO", **fields: Any) -> bytes:
    """A line that was logged `number` seconds after BEGIN."""
    stamp = rfc3339(BEGIN + timedelta(seconds=number))
    core = {"timestamp": stamp, "level": level, "logger": "app", "message": f"message {number}", "n": number}
    return json.dumps({**core, **fields}, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"


@pytest.fixture
def live(tmp_path: Path) -> Path:
    """A log of 3,000 lines: a compressed archive, one that is not yet, and the live file."""
    live = tmp_path / "app.log"
    oldest = b"".join(map(line, range(1_000)))
    tmp_path.joinpath("app.log.20261123T121640Z-1.gz").write_bytes(gzip.compress(oldest))
    tmp_path.joinpath("app.log.20261123T123320Z-2").write_bytes(b"".join(map(line, range(1_000, 2_000))))
    live.write_bytes(b"".join(map(line, range(2_000, 3_000))))
    return live


def numbers(found: Found) -> list[int]:
    return [record["n"] for record in found.records]


def append(live: Path, *lines: bytes) -> None:
    with live.open("ab") as file:
        file.writelines(lines)


def test_the_newest_come_first(live: Path):
    """Without conditions the last lines are found."""
    assert numbers(search(live, Query(limit=3))) == [2_999, 2_998, 2_997]


def test_archives_are_read_after_the_live_file(live: Path):
    """What is not in the live file is found in archives, compressed or not, newest first."""
    assert numbers(search(live, Query(limit=2_500))) == list(range(2_999, 499, -1))


def test_a_limit_is_not_exceeded_by_archives(live: Path):
    """Where an archive has more than is needed, its newest are taken."""
    assert numbers(search(live, Query(limit=2_001)))[-1] == 999


def test_a_level_is_the_lowest_one(live: Path):
    """WARNING finds WARNING, ERROR and CRITICAL; a level that only a field mentions does not count."""
    append(live, line(3_000, "ERROR"), line(3_001, "WARNING"), line(3_002, nested={"level": "ERROR"}))
    assert numbers(search(live, Query(level="WARNING"))) == [3_001, 3_000]


def test_words_are_found_anywhere_in_either_case(live: Path):
    """`q` may stand in any name or value."""
    append(live, line(3_000, city="São Paulo"), line(3_001, error="Refused"))
    assert numbers(search(live, Query(q="SÃO paulo"))) == [3_000]
    assert numbers(search(live, Query(q='"error":"refused"'))) == [3_001]
    assert numbers(search(live, Query(limit=200, q="message 17")))[99:102] == [1_700, 179, 178]


def test_a_request_is_found_by_its_id(live: Path):
    """A request id has to be the record's own, and whole."""
    append(
        live,
        line(3_000, request_id="r1"),
        line(3_001, request_id="r11"),
        line(3_002, other={"request_id": "r1"}),
    )
    assert numbers(search(live, Query(request_id="r1"))) == [3_000]


def test_since_leaves_out_what_is_older(live: Path):
    """A time is compared to the microsecond, over archives too."""
    assert numbers(search(live, Query(limit=1_000, since=BEGIN + timedelta(seconds=2_998)))) == [2_999, 2_998]
    found = search(live, Query(limit=1_000, since=BEGIN + timedelta(seconds=2_100), q="message 1"))
    assert numbers(found) == []


def test_neighbours_out_of_order_are_found(live: Path):
    """A line that was written a moment late does not end the search."""
    append(live, line(2_950, late=True), line(3_000))
    assert numbers(search(live, Query(limit=5, since=BEGIN + timedelta(seconds=2_998)))) == [
        3_000,
        2_999,
        2_998,
    ]


def test_torn_and_foreign_lines_are_counted(live: Path):
    """A line that is not a JSON object is passed over; blank ones are nothing."""
    append(live, b'{"torn":\n', b"plain text\n", b"[1]\n", b"   \n", b"\xff\n", line(3_000), b'{"half')
    found = search(live, Query(limit=2))
    assert numbers(found) == [3_000, 2_999]
    assert found.skipped == 5


def test_a_damaged_archive_ends_nothing(live: Path):
    """What can be read of a damaged archive is used, and the damage counted."""
    archive = live.with_name("app.log.20261123T121640Z-1.gz")
    archive.write_bytes(archive.read_bytes()[:2_000])
    found = search(live, Query(limit=3_000))
    assert 2_000 < len(found.records) < 3_000
    assert found.skipped > 0


def test_long_lines_are_found(live: Path):
    """A line that is longer than what is read at once is whole."""
    append(live, line(3_000, padding="x" * 300_000), line(3_001))
    assert numbers(search(live, Query(limit=3))) == [3_001, 3_000, 2_999]


def test_nothing_is_found_where_nothing_is(tmp_path: Path):
    """Without a file there are no records and no error; nor in an empty one."""
    assert search(tmp_path / "app.log", Query()) == Found()
    (tmp_path / "app.log").touch()
    assert search(tmp_path / "app.log", Query()) == Found()


def test_archives_are_found_without_a_live_file(live: Path):
    """A log that was deleted does not hide its archives."""
    live.unlink()
    assert numbers(search(live, Query(limit=1))) == [1_999]


def test_a_query_is_made_of_what_a_caller_sent():
    """Levels may be written in either case, times with any offset."""
    made = query(5, "error", "x", "r1", "2026-11-23T09:00:00-03:00")
    assert made == Query(5, "ERROR", "x", "r1", BEGIN)


@pytest.mark.parametrize(
    "sent",
    [
        {"limit": 0},
        {"limit": 1_001},
        {"level": "LOUD"},
        {"since": "yesterday"},
        {"since": "2026-11-23T12:00:00"},
    ],
)
def test_bad_values_are_rejected(sent: dict[str, Any]):
    """A value that means nothing is told with a hint, rather than ignored."""
    with pytest.raises(InputRejected) as rejected:
        query(**sent)
    assert rejected.value.hint
