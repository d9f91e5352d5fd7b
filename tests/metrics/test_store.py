"""The tables answer about every process, and can be made anew under their feet."""

from __future__ import annotations

import fcntl
import os
import sqlite3
import stat
import threading
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from app.core.errors import Conflict
from app.metrics.calendar import Period, current
from app.metrics.model import Event
from app.metrics.store import Store

from .desk import event, write_journal

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """The tables of an empty folder."""
    store = Store(tmp_path)
    yield store
    store.close()


def folded(store: Store, folder: Path, *events: Event) -> Store:
    """The tables with these events in them."""
    write_journal(folder, "1-aa", events)
    store.fold(NOON, Counter())
    return store


def today() -> Period:
    """This day, until noon."""
    return current("day", NOON, ZoneInfo("UTC"))


def counts(store: Store) -> dict[str, int]:
    """Today's events by name."""
    totals = Counter[str]()
    for total in store.sums(today()):
        totals[total.name] += total.sums.events
    return dict(totals)


def begun(at: str, **fields: str) -> Event:
    """A conversation that began today."""
    return event("conversation_started", at=f"2026-11-23T{at}:00Z", **fields)


def ended(at: str, **fields: str) -> Event:
    """A conversation that ended today."""
    return event("conversation_ended", at=f"2026-11-23T{at}:00Z", **fields)


def active(store: Store, hours: float = 72) -> int:
    """Conversations that are active at noon."""
    return store.flow(today(), timedelta(hours=hours)).active


def test_a_conversation_is_active_until_it_ends(store: Store, tmp_path: Path) -> None:
    """By its id, or by its user where it has none; begun again, it is active again."""
    folded(
        store,
        tmp_path,
        *(begun("08:00", conversation_id="open"), begun("08:00", user_id="ana")),
        *(begun("08:00", conversation_id="over"), ended("09:00", conversation_id="over")),
        *(begun("08:00", user_id="bia"), ended("09:00", user_id="bia"), begun("10:00", user_id="bia")),
    )
    assert active(store) == 3


def test_a_conversation_that_never_ended_is_not_active_for_ever(store: Store, tmp_path: Path) -> None:
    """After the hours of the setting it is taken for over."""
    folded(store, tmp_path, begun("08:00", user_id="ana"), begun("11:30", user_id="bia"))
    assert active(store, hours=1) == 1


def test_a_duration_lasts_from_the_beginning_before_an_end(store: Store, tmp_path: Path) -> None:
    """An end without a beginning, and a second end, have none."""
    folded(
        store,
        tmp_path,
        *(begun("08:00", user_id="ana"), ended("08:10", user_id="ana"), ended("09:00", user_id="ana")),
        *(begun("10:00", user_id="ana"), ended("10:30", user_id="ana"), ended("11:00", user_id="bia")),
    )
    flow = store.flow(today(), timedelta(hours=72))
    assert (flow.duration, flow.ended) == (40 * 60 * 1_000_000, 2)


def test_the_funnel_asks_for_the_stages_in_their_order(store: Store, tmp_path: Path) -> None:
    """Who paid before asking for a booking has not come that far; who came twice is one."""
    steps = ["conversation_started", "lead_generated", "booking_requested"]
    right = [event(name, at=f"2026-11-23T0{hour}:00:00Z", user_id="ana") for hour, name in enumerate(steps)]
    wrong = [
        event(name, at=f"2026-11-23T0{9 - hour}:00:00Z", user_id="bia") for hour, name in enumerate(steps)
    ]
    folded(store, tmp_path, *right, *right, *wrong)
    assert store.flow(today(), timedelta(hours=72)).stages == (2, 1, 1, 0, 0)


def test_sums_beyond_64_bits_are_exact(store: Store, tmp_path: Path) -> None:
    """Two hundred days of the largest amounts add up, each day being within the bounds."""
    largest = [
        event("cost", at=f"{NOON - timedelta(days=n):%Y-%m-%d}T10:00:00Z", amount="100000000000.00", value=1)
        for n in range(200)
    ]
    folded(store, tmp_path, *largest)
    (total,) = store.sums(Period("range", NOON - timedelta(days=300), NOON, ZoneInfo("UTC")))
    assert total.sums.amount == 200 * 10**17
    assert store.ever() == [("cost", "BRL", 200, 200 * 10**17)]


def test_users_are_counted_once(store: Store, tmp_path: Path) -> None:
    """However many events a user has, in whatever part of the day."""
    folded(store, tmp_path, *(begun(f"{hour:02}:00", user_id="ana") for hour in range(12)))
    assert store.flow(today(), timedelta(hours=72)).people == 1


def test_four_folders_at_once_count_each_line_once(tmp_path: Path) -> None:
    """Whoever folds, in whatever process, nothing is missed when the call returns, and nothing is doubled."""
    for process in range(4):
        write_journal(tmp_path, f"{process}-aa", [event("message")] * 9_000)
    stores = [Store(tmp_path) for _ in range(4)]
    seen: list[int] = []

    def fold(store: Store) -> None:
        store.fold(NOON, Counter())
        seen.append(counts(store)["message"])

    threads = [threading.Thread(target=fold, args=(store,)) for store in stores]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for store in stores:
        store.close()
    assert seen == [36_000] * 4


def test_rebuilding_gives_the_same_tables(store: Store, tmp_path: Path) -> None:
    """Sums, keys, traces and offsets come out as they were."""
    events = [event("revenue", amount="10", key=str(n % 7), user_id=str(n % 3)) for n in range(20)]
    before = counts(folded(store, tmp_path, *events, begun("08:00", user_id="u")))
    assert store.rebuild(NOON) == 21
    assert counts(store) == before
    assert store.fold(NOON, Counter()) == 0
    assert not list(tmp_path.glob("rebuild*"))


def test_rebuilding_repairs_tables_that_were_tampered_with(store: Store, tmp_path: Path) -> None:
    """What the journals do not say is gone afterwards."""
    folded(store, tmp_path, event("message"))
    with sqlite3.connect(tmp_path / "metrics.sqlite") as connection:
        connection.execute("update rollup set events = 999")
    connection.close()
    store.rebuild(NOON)
    assert counts(store) == {"message": 1}


def test_events_during_a_rebuild_are_counted_once(tmp_path: Path) -> None:
    """Another process goes on recording and folding while the tables are made anew."""
    write_journal(tmp_path, "1-aa", [event("message")] * 20_000)
    store, other = Store(tmp_path), Store(tmp_path)
    rebuilding = threading.Thread(target=store.rebuild, args=(NOON,))
    rebuilding.start()
    written = 0
    while rebuilding.is_alive():
        write_journal(tmp_path, "2-bb", [event("message")])
        written += 1
        other.fold(NOON, Counter())
    rebuilding.join()
    other.fold(NOON, Counter())
    assert counts(other) == {"message": 20_000 + written}
    store.close()
    other.close()


def test_two_rebuilds_at_once_are_a_conflict(store: Store, tmp_path: Path) -> None:
    """The second is told so, and the first is not disturbed."""
    folded(store, tmp_path, event("message"))
    with (tmp_path / "metrics.rebuilding").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(Conflict, match="under way"):
            store.rebuild(NOON)


def test_a_killed_rebuild_leaves_nothing_behind_after_the_next(store: Store, tmp_path: Path) -> None:
    """Its half-made tables are not taken for ours."""
    folded(store, tmp_path, event("message"))
    (tmp_path / "rebuild.sqlite").write_bytes(b"half")
    assert store.rebuild(NOON) == 1
    assert not list(tmp_path.glob("rebuild*"))


def test_nobody_else_may_read_the_tables(store: Store, tmp_path: Path) -> None:
    """Whatever the umask, business figures are the owner's."""
    before = os.umask(0)
    folded(store, tmp_path, event("message"))
    os.umask(before)
    assert stat.S_IMODE((tmp_path / "metrics.sqlite").stat().st_mode) == 0o600
