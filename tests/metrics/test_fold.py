"""Journals fold into tables exactly: in any order, from any process, whatever stands in them."""

from __future__ import annotations

import json
import random
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from app.metrics import fold
from app.metrics.model import Event

from . import oracle
from .desk import Desk, answers, event, write_journal

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)

moments = st.integers(0, 2 * 24 * 12 - 1).map(lambda n: NOON - timedelta(minutes=5 * n + 1))
names = ["conversation_started", "conversation_ended", "lead_generated", "booking_requested"]
happenings = st.builds(
    Event,
    name=st.sampled_from([*names, "booking_confirmed", "message"]),
    at=moments,
    recorded=moments,
    key=st.sampled_from([None, None, "a", "b"]),
    user_id=st.sampled_from([None, "ana", "bia"]),
    conversation_id=st.sampled_from([None, None, "c1", "c2"]),
)
payments = st.builds(
    Event,
    name=st.just("revenue"),
    at=moments,
    recorded=moments,
    key=st.sampled_from(["a", "b", "c"]),
    user_id=st.sampled_from([None, "ana", "bia"]),
    amount=st.sampled_from(["10.00", "0.10", "99.99"]),
    currency=st.just("BRL"),
)
histories = st.lists(st.one_of(happenings, payments), max_size=40)


@settings(max_examples=30, deadline=None)
@given(histories, st.randoms(use_true_random=False))
def test_any_order_and_any_split_gives_the_dashboard_of_a_plain_count(
    history: list[Event], chance: random.Random
) -> None:
    """Late, repeated and shuffled lines in several processes' files add up as one look at all of them."""
    with tempfile.TemporaryDirectory() as folder:
        desk = Desk(Path(folder))
        lines = history + [one for one in history if one.key and chance.random() < 0.3]
        chance.shuffle(lines)
        for one in lines:
            write_journal(desk.folder, chance.choice(["1-aa", "2-bb", "3-cc"]), [one])
            if chance.random() < 0.2:
                desk.page.fold()
        for period in ("hour", "day", "week"):
            document = desk.page.dashboard(period=period)
            since, until = (datetime.fromisoformat(document["period"][edge]) for edge in ("from", "to"))
            assert oracle.shown(document) == oracle.figures(lines, since, until, active_hours=72)
        before = answers(desk.folder)
        desk.page.rebuild()
        assert answers(desk.folder) == before
        desk.close()


def test_what_is_no_event_goes_into_quarantine(tmp_path: Path) -> None:
    """Broken lines are kept with their reason, and the lines around them count."""
    desk = Desk(tmp_path)
    good = event("message")
    broken = [b"", b"{", b"\xff", b"[1]", b'{"name":"message"}', b'{"name":"message","at":"2026-11-23"}']
    impossible = [
        b'{"name":"message","at":"2026-11-23T10:00:00Z","value":1e300}',
        b'{"name":"\xff","at":"2026-11-23T10:00:00Z"}',
        b'{"name":"Bad Name","at":"2026-11-23T10:00:00Z"}',
        b'{"name":"revenue","at":"2026-11-23T10:00:00Z"}',
        b'{"name":"revenue","at":"2026-11-23T10:00:00Z","amount":"1e9","currency":"BRL"}',
        b'{"name":"revenue","at":"2026-11-23T10:00:00Z","amount":"1"}',
    ]
    write_journal(tmp_path, "1-aa", [good, *broken, *impossible, good])
    assert desk.page.fold() == 14
    assert desk.page.dashboard()["custom"]["message"]["count"] == 2
    kept = desk.page.quarantine()["lines"]
    assert len(kept) == 12
    assert all(line["reason"] for line in kept)
    desk.close()


def test_the_quarantine_is_bounded(tmp_path: Path) -> None:
    """A file full of rubbish leaves the newest thousand lines, cut short, and the whole count."""
    desk = Desk(tmp_path)
    write_journal(tmp_path, "1-aa", [b"x" * 3_000] * 1_500)
    desk.page.fold()
    kept = desk.page.quarantine(limit=9_999)["lines"]
    assert (len(kept), {len(line["line"]) for line in kept}) == (1_000, {2_000})
    assert desk.page.health().details["quarantined"] == 1_500
    desk.close()


def test_a_line_without_its_end_waits_for_it(tmp_path: Path) -> None:
    """Half a line is neither counted nor broken; it counts once its rest is written."""
    desk = Desk(tmp_path)
    line = msgspec.json.encode(event("message"))
    journal = write_journal(tmp_path, "1-aa", [])
    journal.write_bytes(line[:20])
    assert desk.page.fold() == 0
    journal.write_bytes(line + b"\n")
    assert desk.page.fold() == 1
    assert desk.page.quarantine()["lines"] == []
    desk.close()


def test_too_many_names_are_counted_together(tmp_path: Path) -> None:
    """Beyond a thousand custom names no event is lost, and names of the trade stay apart."""
    desk = Desk(tmp_path)
    write_journal(tmp_path, "1-aa", [event(f"custom{n}", key="same") for n in range(fold.MOST_NAMES + 5)])
    write_journal(tmp_path, "2-bb", [event("lead_generated"), event("custom7")])
    document = desk.page.dashboard()
    assert len(document["custom"]) == fold.MOST_NAMES + 1
    assert document["custom"]["__other__"]["count"] == 5
    assert document["leads"]["generated"] == 1
    assert document["custom"]["custom7"]["count"] == 2
    desk.close()


def test_too_many_tags_are_counted_together(tmp_path: Path) -> None:
    """Beyond a thousand sets of tags the totals stay exact, money per currency among them."""
    desk = Desk(tmp_path)
    tagged = [event("lead_generated", tags={"source": f"s{n}"}) for n in range(fold.MOST_TAG_SETS + 30)]
    costs = [
        event("cost", amount="1.00", currency=code, tags={"kind": f"k{n}"})
        for n in range(fold.MOST_TAG_SETS + 30)
        for code in ("BRL", "USD")
    ]
    write_journal(tmp_path, "1-aa", tagged + costs)
    document = desk.page.dashboard()
    assert document["leads"]["generated"] == fold.MOST_TAG_SETS + 30
    assert sum(document["leads"]["by_source"].values()) == fold.MOST_TAG_SETS + 30
    assert document["leads"]["by_source"]["__other__"] > 30
    assert [document["costs"][code]["total"] for code in ("BRL", "USD")] == ["1030.00", "1030.00"]
    desk.close()


def test_the_keys_of_names_that_are_counted_together_stay_apart(tmp_path: Path) -> None:
    """Two names beyond the thousandth with one key are two events; the same name again is a duplicate."""
    desk = Desk(tmp_path)
    write_journal(tmp_path, "1-aa", [event(f"custom{n}") for n in range(fold.MOST_NAMES)])
    write_journal(tmp_path, "2-bb", [event(name, key="k") for name in ("late_one", "late_two", "late_one")])
    assert desk.page.dashboard()["custom"]["__other__"]["count"] == 2
    again = {"name": "late_one", "key": "k"}
    assert desk.page.accept([again])["duplicates"] == 1
    desk.close()


def test_deleting_the_tables_loses_nothing(tmp_path: Path) -> None:
    """The journals are the truth: without the SQLite file everything is folded anew."""
    write_journal(tmp_path, "1-aa", [event("revenue", amount="10", key="k"), event("message")])
    before = answers(tmp_path)
    for file in tmp_path.glob("metrics.*"):
        file.unlink()
    assert answers(tmp_path) == before


def test_an_unreadable_table_file_is_set_aside_and_made_again(tmp_path: Path) -> None:
    """A corrupt SQLite file costs a fold, not a figure."""
    write_journal(tmp_path, "1-aa", [event("message")])
    before = answers(tmp_path)
    (tmp_path / "metrics.sqlite").write_bytes(b"not a database at all" * 100)
    assert answers(tmp_path) == before


def test_a_dashboard_is_json(tmp_path: Path) -> None:
    """Everything in the document can be sent."""
    write_journal(tmp_path, "1-aa", [event("message", value=1.5, amount="1", unit="s", tags={"a": 1})])
    assert json.loads(json.dumps(answers(tmp_path)))
