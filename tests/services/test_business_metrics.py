"""Business metrics as a whole: record, fold, ask; over processes, restarts, kills and full disks."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from app.core.errors import Conflict, InputRejected, Unavailable
from app.core.health import Level
from app.core.signal import Condition
from app.testing import FrozenClock, wait_until
from tests.metrics.desk import Desk, event, write_journal

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """A business that nothing has happened in, at noon."""
    desk = Desk(tmp_path / "business_metrics")
    yield desk
    desk.close()


def a_sale(desk: Desk, user: str = "ana") -> None:
    """A conversation that ends with money."""
    events, clock = desk.events, desk.clock
    events.conversation_started(user, conversation_id=user, channel="whatsapp")
    clock.advance(seconds=60)
    events.lead_generated(user, source="ads")
    events.lead_qualified(user, score=80)
    events.booking_requested(f"booking-{user}", user_id=user)
    events.booking_confirmed(f"booking-{user}", user_id=user)
    events.revenue("120.50", key=f"booking-{user}", user_id=user)
    clock.advance(seconds=60)
    events.conversation_ended(user, conversation_id=user)


def test_a_sale_is_on_the_dashboard_at_once(desk: Desk) -> None:
    """What was recorded before the question is in the answer, from the first word to the money."""
    a_sale(desk)
    desk.events.refund("20.50", of="booking-ana")
    desk.events.cost("0.12", kind="llm")
    document = desk.page.dashboard()
    assert document["conversations"] == {
        "started": 1,
        "completed": 1,
        "active": 0,
        "handed_off": 0,
        "completion_rate": 1.0,
        "handoff_rate": 0.0,
        "average_duration_seconds": 120.0,
    }
    assert document["leads"]["by_source"] == {"ads": 1}
    assert document["leads"]["average_score"] == 80.0
    assert document["bookings"]["confirmation_rate"] == 1.0
    assert document["revenue"] == {
        "BRL": {"gross": "120.50", "refunds": "20.50", "net": "100.00", "count": 1}
    }
    assert document["costs"]["BRL"] == {"total": "0.12", "by_kind": {"llm": "0.12"}}
    assert [stage["people"] for stage in document["funnel"]] == [1, 1, 1, 1, 1]
    assert document["users"] == {"unique": 1}


def test_events_of_a_name_are_counted_within_a_span(desk: Desk) -> None:
    """From its first minute until before its last, whatever the time of the dashboard."""
    begin = desk.clock.now()
    for user in ("ana", "rui"):
        a_sale(desk, user)
    assert desk.page.counted("revenue", begin, begin + timedelta(hours=1)) == 2
    assert desk.page.counted("revenue", begin, begin + timedelta(minutes=3)) == 1
    assert desk.page.counted("refund", begin, begin + timedelta(hours=1)) == 0


def test_the_period_before_is_shown_beside_it(desk: Desk) -> None:
    """Yesterday until this time has the same sections, and its own edges."""
    a_sale(desk)
    desk.clock.advance(days=1)
    document = desk.page.dashboard()
    assert document["conversations"]["started"] == 0
    assert document["previous"]["conversations"]["started"] == 1
    assert document["previous"]["period"]["from"] == "2026-11-23T00:00:00.000000Z"
    assert document.keys() - document["previous"].keys() == {"previous"}


def test_days_are_those_of_the_zone_that_is_asked_for(desk: Desk) -> None:
    """At 01:00 UTC it is still yesterday in São Paulo, and today in Tokyo."""
    desk.events.record("message", at="2026-11-23T01:00:00Z")
    shown = {
        tz: "message" in desk.page.dashboard(tz=tz)["custom"]
        for tz in ("America/Sao_Paulo", "Asia/Tokyo", "Asia/Kolkata")
    }
    assert shown == {"America/Sao_Paulo": False, "Asia/Tokyo": True, "Asia/Kolkata": True}


def test_a_bad_question_is_rejected(desk: Desk) -> None:
    """A period, zone or range that does not exist is the caller's error."""
    for question in ({"period": "eon"}, {"tz": "Mars"}, {"from_": "soon"}, {"to": "2026-11-23"}):
        with pytest.raises(InputRejected):
            desk.page.dashboard(**question)


def test_several_processes_share_one_answer(desk: Desk) -> None:
    """Each worker has its own journal file, and everyone answers for all."""
    other = Desk(desk.folder, desk.clock)
    desk.events.conversation_started("ana")
    other.events.conversation_started("bia")
    assert desk.page.dashboard()["conversations"]["started"] == 2
    assert other.page.dashboard()["conversations"]["started"] == 2
    other.close()


def test_a_key_counts_once_over_restarts_and_processes(desk: Desk) -> None:
    """Whoever repeats it, whenever, by whichever door."""
    for minute in range(3):
        desk.events.revenue("10", key="b1", currency="USD")
        desk.clock.advance(minutes=minute)
        again = Desk(desk.folder, desk.clock)
        again.events.revenue("10", key="b1", currency="USD")
        answer = again.page.accept([{"name": "revenue", "key": "b1", "amount": "10.00", "currency": "USD"}])
        assert answer["duplicates"] == 1
        again.close()
    assert desk.page.dashboard()["revenue"]["USD"]["gross"] == "10.00"


def test_a_key_with_another_amount_is_not_silent(desk: Desk) -> None:
    """The amount recorded first stays; the contradiction is a signal, and part of the health."""
    desk.events.revenue("10", key="b1")
    desk.clock.advance(seconds=1)
    desk.events.revenue("11", key="b1")
    assert desk.page.dashboard()["revenue"]["BRL"]["gross"] == "10.00"
    (said,) = desk.emit.signals
    assert (said.code, said.condition) == ("events_conflicts", Condition.RAISED)
    assert desk.page.health().level is Level.DEGRADED


def test_a_batch_is_answered_event_by_event(desk: Desk) -> None:
    """Accepted, duplicate, rejected: numbers, and a reason for each that was rejected."""
    desk.events.booking_confirmed("b1")
    answer = desk.page.accept(
        [
            {"name": "booking_confirmed", "key": "b1"},
            {"name": "booking_confirmed", "key": "b2", "at": "2026-11-20T10:00:00Z"},
            {"name": "revenue", "amount": 19.9},
        ]
    )
    assert (answer["accepted"], answer["duplicates"], answer["rejected"]) == (1, 1, 1)
    assert answer["reasons"][0]["index"] == 2
    assert desk.page.dashboard(period="month")["bookings"]["confirmed"] == 2


def test_a_batch_has_a_limit(desk: Desk) -> None:
    """Ten thousand events are taken, one more is not, and nothing of it is kept."""
    with pytest.raises(InputRejected, match="more than 10000"):
        desk.page.accept([{"name": "message"}] * 10_001)
    assert desk.page.accept([{"name": "message"}] * 10_000)["accepted"] == 10_000
    assert desk.page.dashboard()["custom"]["message"]["count"] == 10_000


def test_a_rejected_conflict_is_counted_where_others_see_it(desk: Desk) -> None:
    """HTTP callers are told in the answer, operators by a signal."""
    sale = {"name": "revenue", "key": "b1", "amount": "10"}
    desk.page.accept([sale])
    assert desk.page.accept([{**sale, "amount": "12"}])["rejected"] == 1
    assert [said.code for said in desk.emit.signals] == ["events_conflicts"]
    assert desk.page.health().details["conflicts"] == 1


def test_a_rebuild_answers_as_before(desk: Desk) -> None:
    """The tables of a year of work can be made anew from the journals alone."""
    for user in ("ana", "bia"):
        a_sale(desk, user)
    before = desk.page.dashboard(period="year")
    assert desk.page.rebuild() == 14
    assert desk.page.dashboard(period="year") == before


def test_old_journals_are_deleted_only_when_they_are_folded(tmp_path: Path) -> None:
    """What they said stays in the answers; a rebuild without them is refused."""
    desk = Desk(tmp_path, journal_keep_days=30)
    a_sale(desk)
    desk.clock.advance(days=40)
    desk.events.record("message")
    assert desk.page.trim() == 1
    assert len(list(tmp_path.glob("*.jsonl"))) == 1
    assert desk.page.dashboard(from_="2026-11-01")["revenue"]["BRL"]["gross"] == "120.50"
    with pytest.raises(Conflict, match="deleted by age"):
        desk.page.rebuild()
    assert desk.page.trim() == 0
    desk.close()


def test_journals_are_kept_for_ever_unless_told_otherwise(desk: Desk) -> None:
    """The default deletes nothing."""
    a_sale(desk)
    desk.clock.advance(days=4_000)
    assert desk.page.trim() == 0


def test_a_disk_that_refuses_is_told_and_loses_nothing_yet(tmp_path: Path, clock: FrozenClock) -> None:
    """Calls go on, events wait in memory, health says so, HTTP callers get an error to try again."""
    blocked = tmp_path / "business_metrics"
    blocked.write_text("a file where the folder should be")
    desk = Desk(blocked, clock)
    assert not desk.events.conversation_started("ana")
    with pytest.raises(Unavailable, match="cannot be written"):
        desk.page.accept([{"name": "message"}])
    assert desk.page.health().level is Level.DOWN
    blocked.unlink()

    def written() -> bool:
        desk.events.journal.sync()
        return not desk.events.journal.waiting

    wait_until(written, what="the disk")
    assert desk.page.dashboard()["conversations"]["started"] == 1
    assert desk.page.health().level is Level.OK
    desk.close()


def test_what_memory_could_not_hold_is_a_signal(tmp_path: Path) -> None:
    """Losses are counted, told once, and shown by every process."""
    desk = Desk(tmp_path)
    desk.events.journal.close()
    while not desk.events.journal.dropped:
        desk.events.record("message", tags={f"t{n}": "x" * 200 for n in range(16)})
    dropped = desk.events.journal.dropped
    desk.page.fold()
    desk.page.fold()
    assert [(said.code, said.value) for said in desk.emit.signals] == [("events_dropped", dropped)]
    other = Desk(tmp_path)
    assert other.page.health().details["dropped"] == dropped
    other.close()
    desk.close()


def test_measures_are_of_every_process_and_all_time(desk: Desk) -> None:
    """Restarts do not set counters back."""
    a_sale(desk)
    again = Desk(desk.folder, desk.clock)
    families = {one.name: one for one in again.page.measures()}
    names = {sample.labels["name"]: sample.value for sample in families["atalaia_business_events"].samples}  # type: ignore[union-attr]
    assert names["revenue"] == 1
    assert families["atalaia_business_revenue"].samples[0].value == 120.5  # type: ignore[union-attr]
    again.close()


def test_the_document_is_what_the_page_says(desk: Desk) -> None:
    """docs/metrics.md names every field of the dashboard."""
    a_sale(desk)
    desk.events.record("nps", 9, unit="score")
    page = (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8")
    missing = [field for field in sorted(_fields(desk.page.dashboard())) if f"`{field}`" not in page]
    assert missing == []


def _fields(document: dict[str, Any]) -> set[str]:
    own = {"ads", "BRL", "nps", "llm", "unknown"}  # Because these are data of the sale, not fields.
    fields = set(document) - own
    for value in document.values():
        for part in value if isinstance(value, list) else [value]:
            if isinstance(part, dict):
                fields |= _fields(part)
    return fields


def test_a_late_event_counts_where_it_belongs(desk: Desk) -> None:
    """What is recorded a year late changes last year, and only that."""
    write_journal(desk.folder, "1-aa", [event("message", at="2025-11-23T10:00:00Z")])
    document = desk.page.dashboard(period="year")
    assert "message" not in document["custom"]
    assert document["previous"]["custom"]["message"]["count"] == 1


class Crew:
    """Processes that record and fold, and die when they are told to."""

    def __init__(self, folder: Path, acknowledged: Path, recorders: int, folders: int) -> None:
        self.folder = folder
        self._acknowledged = acknowledged
        self._recorders, self._folders = recorders, folders
        self.names: list[str] = []

    def live_once(self, chance: random.Random) -> None:
        """All of them work until each recorder has done something, and are then killed."""
        with ExitStack() as stack:
            begun = [stack.enter_context(self._recorder()) for _ in range(self._recorders)]
            begun += [stack.enter_context(self._process("folder")) for _ in range(self._folders)]
            for name in self.names[-self._recorders :]:
                enough = chance.randrange(1, 800)
                wait_until(lambda n=name, e=enough: self.acknowledged(n) >= e, deadline=60)
            chance.shuffle(begun)
            for process in begun:
                process.send_signal(signal.SIGKILL)

    def acknowledged(self, name: str) -> int:
        """How many events a recorder has been told are recorded."""
        return (self._acknowledged / name).read_bytes().count(b"\n")

    def journaled(self) -> list[dict[str, Any]]:
        """Every whole line of every journal."""
        texts = (path.read_bytes() for path in self.folder.glob("*.jsonl"))
        return [json.loads(line) for text in texts for line in text[: text.rfind(b"\n") + 1].splitlines()]

    def _recorder(self) -> subprocess.Popen[bytes]:
        name = f"recorder{len(self.names)}"
        self.names.append(name)
        return self._process("recorder", name)

    def _process(self, what: str, name: str = "folded") -> subprocess.Popen[bytes]:
        with (self._acknowledged / name).open("ab") as output:
            command = [sys.executable, "-m", f"tests.metrics.{what}", str(self.folder), name]
            return subprocess.Popen(command, cwd=ROOT, stdout=output, env={**os.environ})


def killed_and_counted(tmp_path: Path, *, lives: int, recorders: int, folders: int) -> None:
    """Lives of a crew, and after them a count against what was acknowledged."""
    acknowledged = tmp_path / "acknowledged"
    acknowledged.mkdir()
    crew = Crew(tmp_path / "business_metrics", acknowledged, recorders, folders)
    chance = random.Random()
    for _ in range(lives):
        crew.live_once(chance)
    desk = Desk(crew.folder, FrozenClock("2999-12-31T00:00:00Z"))
    custom = desk.page.dashboard(from_="2020-01-01", to="2968-01-01")["custom"]
    for name in crew.names:
        # Because a kill may fall between the write and its acknowledgement, at most one more is there.
        assert 0 <= custom[name]["count"] - crew.acknowledged(name) <= 1
    lines = crew.journaled()
    assert sum(one["count"] for one in custom.values()) == len(lines)
    assert {line["amount"] for line in lines} == {"0.01"}
    repeated = [line for line in lines if "key" in line]
    write_journal(desk.folder, "again", [json.dumps(line).encode() for line in repeated])
    again = desk.page.dashboard(from_="2020-01-01", to="2968-01-01")["custom"]
    assert again == custom
    desk.close()


def test_a_kill_loses_no_event_and_counts_none_twice(tmp_path: Path) -> None:
    """Recorders and folders that die at any instant leave exactly what was acknowledged."""
    killed_and_counted(tmp_path, lives=1, recorders=2, folders=1)


@pytest.mark.kill
@pytest.mark.timeout(900)
def test_many_kills_lose_no_event_and_count_none_twice(tmp_path: Path) -> None:
    """The same over fifty deaths."""
    killed_and_counted(tmp_path, lives=10, recorders=3, folders=2)
