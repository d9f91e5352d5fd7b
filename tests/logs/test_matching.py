from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.errors import InputRejected
from app.logs.matching import Matcher, Query, query, stamp_of

from .written import BEGIN, line

WORDS = st.text('aA7é-\n"É', max_size=4)


def test_a_query_is_made_of_what_a_caller_sent():
    """Levels may be written in either case, times with any offset."""
    made = query(limit=5, level="error", q="x", request_id="r1", since="2026-11-23T09:00:00-03:00")
    assert made == Query(limit=5, level="ERROR", q="x", request_id="r1", since=BEGIN)


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


@given(
    st.lists(
        st.tuples(WORDS, st.sampled_from(["INFO", "ERROR"]), st.sampled_from(["u1", "u11", ""])), max_size=12
    ),
    WORDS,
    st.sampled_from([None, "ERROR"]),
    st.sampled_from([None, "u1"]),
)
def test_what_is_seen_in_bytes_is_what_the_records_say(
    made: list[tuple[str, str, str]], q: str, level: str | None, user_id: str | None
):
    """The fast way finds exactly the lines that hold, the newest first."""
    lines = [line(n, level, word=word, user_id=user) for n, (word, level, user) in enumerate(made)]
    matcher = Matcher(Query(q=q, level=level, user_id=user_id))
    block = b"".join(lines)
    found = [matcher.record(block[start:end]) for start, end in matcher.newest_first(block)]
    expected = [
        n
        for n, (_, its_level, user) in reversed(list(enumerate(made)))
        if q.lower() in lines[n].decode().rstrip("\n").lower()
        and level in (None, its_level)
        and user_id in (None, user)
    ]
    assert [record["n"] for record in found if record] == expected


def test_a_line_tells_its_time_under_any_name():
    """As it stands in the line; one without a time has none."""
    at = b"2026-11-23T12:00:01.000000Z"
    for name in ("timestamp", "@timestamp", "time"):
        assert stamp_of(json.dumps({name: at.decode(), "level": "INFO"}).encode()) == at
    assert stamp_of(b'{"timestamp":1}') == b""


def test_far_lines_end_a_search_and_near_ones_do_not():
    """Neighbours may be out of order by a minute."""
    since = BEGIN + timedelta(seconds=100)
    matcher = Matcher(Query(since=since, until=since + timedelta(seconds=1)))
    assert [matcher.is_past(line(n)) for n in (0, 39, 41, 100)] == [True, True, False, False]
    assert [matcher.is_ahead(line(n)) for n in (100, 160, 162)] == [False, False, True]
