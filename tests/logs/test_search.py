from __future__ import annotations

import gzip
import itertools
import json
import threading
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from app.core.errors import InputRejected
from app.logs.generations import generations
from app.logs.matching import Query
from app.logs.presets import FieldNames, field_names
from app.logs.search import READ_BYTES, Found, _Search, pages, search

from .written import BEGIN, Log, line


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
    """A line that is not a JSON object is passed over; blank ones are nothing, nor is one without its end."""
    append(live, b'{"torn":\n', b"plain text\n", b"[1]\n", b"   \n", b"\xff\n", line(3_000), b'{"half')
    found = search(live, Query(limit=2))
    assert numbers(found) == [3_000, 2_999]
    assert found.skipped == 4


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


@pytest.fixture
def log(tmp_path: Path) -> Log:
    """A log without lines."""
    return Log(tmp_path / "log" / "app.log")


def paged(log: Log, query: Query, between: Any = lambda: None) -> list[int]:
    """The numbers of all records, page by page; `between` two pages something may happen."""
    found, cursor = [], None
    while True:
        page = search(log.path, query, cursor)
        found += numbers(page)
        if (cursor := page.cursor) is None:
            return found
        between()


def test_pages_follow_each_other_exactly(live: Path):
    """Over the live file and archives of any kind, no record twice and none left out."""
    assert [n for page in pages(live, Query(limit=70)) for n in numbers(page)] == list(range(2_999, -1, -1))


def test_pages_go_on_where_they_were_while_the_log_is_rotated(log: Log):
    """What is written meanwhile is newer, and not part of it."""
    log.write(range(100))
    written = iter(range(100, 1_000))

    def write_and_rotate() -> None:
        log.append(line(next(written)), line(next(written)))
        archive = log.rotate()
        if int(archive.name.rpartition("-")[2]) % 2:
            log.compress(archive)

    assert paged(log, Query(limit=7), write_and_rotate) == list(range(99, -1, -1))


def test_pages_end_at_what_retention_has_removed(log: Log):
    """The page after the oldest file is empty, and the last."""
    log.write(range(10))
    oldest = log.rotate()
    log.write(range(10, 20))
    assert paged(log, Query(limit=10), lambda: oldest.unlink(missing_ok=True)) == list(range(19, 9, -1))


def test_a_moved_file_does_not_mislead_a_cursor(log: Log):
    """What somebody has moved away is no longer part of the log; what came before it is."""
    log.write(range(5))
    log.rotate()
    log.write(range(5, 10))
    cursor = search(log.path, Query(limit=1)).cursor
    log.path.rename(log.path.with_name("elsewhere"))
    log.path.touch()
    log.write(range(10, 20))
    assert numbers(search(log.path, Query(limit=100), cursor)) == [4, 3, 2, 1, 0]


def test_reading_ends_with_its_budget(live: Path):
    """The answer says that it is not complete, and where to go on."""
    found = search(live, Query(q="message 17x"), read_bytes=1_000)
    assert (found.complete, found.records) == (False, [])
    rest = search(live, Query(limit=5, q="message 19"), found.cursor)
    assert numbers(rest) == [1_999, 1_998, 1_997, 1_996, 1_995]


def test_a_cursor_beyond_the_end_begins_there(log: Log):
    """Whoever has made it up."""
    log.write(range(3))
    first = search(log.path, Query(limit=1)).places[0]
    assert numbers(search(log.path, Query(), replace(first, offset=10**14))) == [2, 1, 0]


@pytest.mark.parametrize("cursor", ["", "x", "é", "YXBwIHg", "bG9n", "!!!!"])
def test_a_cursor_that_nobody_gave_is_rejected(live: Path, cursor: str):
    """With a hint."""
    with pytest.raises(InputRejected) as rejected:
        search(live, Query(), cursor)
    assert rejected.value.hint


def test_a_cursor_of_another_log_is_rejected(live: Path, log: Log):
    """Each belongs to one type."""
    cursor = search(live, Query(limit=1)).cursor
    with pytest.raises(InputRejected):
        search(log.path.with_name("errors.log"), Query(), cursor)


def test_until_leaves_out_what_is_newer(live: Path, log: Log):
    """To the microsecond; a large file is not read from its end."""
    until = BEGIN + timedelta(seconds=1_500)
    assert numbers(search(live, Query(limit=2, until=until))) == [1_499, 1_498]
    log.write(range(20_000))
    found = search(log.path, Query(limit=2, until=until), read_bytes=300_000)
    assert (numbers(found), found.complete) == ([1_499, 1_498], True)
    assert numbers(search(log.path, Query(limit=9, since=until, until=until + timedelta(seconds=2)))) == [
        1_501,
        1_500,
    ]


def test_a_user_is_found(log: Log):
    """Whether the id is a text or a number, and only the record's own."""
    log.append(line(1, user_id="42"), line(2, user_id=42), line(3, user_id="421"), line(4, order=42))
    assert numbers(search(log.path, Query(user_id="42"))) == [2, 1]


def test_every_condition_counts(log: Log):
    """They are combined."""
    log.append(
        line(1, "ERROR", user_id="u"), line(2, "ERROR"), line(3, user_id="u"), line(4, "ERROR", user_id="u")
    )
    wanted = Query(level="ERROR", user_id="u", q="MESSAGE", until=BEGIN + timedelta(seconds=4))
    assert numbers(search(log.path, wanted)) == [1]


@pytest.mark.parametrize("word", ["7-x", "seven", "SEVEN-8", "ção", "日本"])
def test_words_are_found_by_whatever_way(log: Log, word: str):
    """With figures, without, in any script and case."""
    log.append(
        *map(line, range(100)), line(100, said=f"a {word.upper()} b"), line(101, said=f"a {word.lower()} b")
    )
    assert numbers(search(log.path, Query(q=word))) == [101, 100]


@pytest.mark.parametrize("preset", ["default", "ecs", "gcp", "datadog"])
def test_names_of_other_systems_are_understood(log: Log, preset: FieldNames):
    """Whatever names were set when a line was written, it is found, and shown with ours."""
    names = field_names(preset)
    core = {"timestamp": "2026-11-23T12:00:01.000000Z", "level": "ERROR", "logger": "app", "message": "m"}
    core |= {"request_id": "r1", "user_id": "u1"}
    log.write([0])
    log.append(json.dumps({names.get(name, name): value for name, value in core.items()}).encode() + b"\n")
    log.write([2])
    wanted = Query(
        level="WARNING", request_id="r1", user_id="u1", since=BEGIN, until=BEGIN + timedelta(seconds=2)
    )
    (found,) = search(log.path, wanted).records
    assert found == core


def test_lines_may_be_written_and_rotated_while_they_are_read(log: Log):
    """Whatever moment a rotation comes at, a search finds each line once."""
    log.write(range(2_000))
    stop = threading.Event()

    def write() -> None:
        for number in itertools.count(2_000):
            if stop.wait(0.0005):
                return
            log.append(line(number))
            if number % 40 == 0:
                log.rotate(compress=number % 80 == 0)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for _ in range(40):
            found = numbers(search(log.path, Query(limit=1_000)))
            assert found == list(range(found[0], found[0] - 1_000, -1))
    finally:
        stop.set()
        writer.join()


def test_what_a_rotation_empties_is_found_in_its_archive(log: Log):
    """A file that is cut between the look at the folder and its reading has become an archive."""
    log.write(range(5))
    searching = _Search(log.path, Query(limit=3), READ_BYTES)
    (live,) = generations(log.path)
    log.rotate()
    searching._read(live, None)
    assert numbers(searching.found) == [4, 3, 2]
