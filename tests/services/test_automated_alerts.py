"""The alerts page: from a raise in application code to a message, with its real threads."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from app.alerts.channels.recording import RecordingChannel
from app.alerts.plan import Plan
from app.alerts.settings import AlertSettings
from app.core.clock import SystemClock
from app.core.errors import Conflict, DeliveryFailed, InputRejected, NotFound
from app.core.health import Level
from app.core.journal import Journal
from app.core.signal import Condition, Signal
from app.services.automated_alerts import AlertSource, AutomatedAlerts, Category, Severity, alerts
from app.testing import FrozenClock, wait_until
from tests.alerts.examples import Room


def page_in(folder: Path, *channels: RecordingChannel, **arguments: Any) -> AutomatedAlerts:
    """A page with a source of its own."""
    page = AutomatedAlerts(
        AlertSettings(settle_seconds=0),
        AlertSource(Journal("alerts")),
        folder,
        channels,
        SystemClock(),
        **arguments,
    )
    page.open()
    return page


def test_file_says_how_an_application_s_own_alerts_are_told(tmp_path: Path) -> None:
    """Those that its code raises and those that come by HTTP alike; what is switched off is refused there."""
    rules = [
        {"name": "gateway", "match": {"key": ["gateway"]}, "severity": "CRITICAL"},
        {"name": "ovens", "match": {"key": ["oven-*"]}, "enabled": False},
    ]
    page = page_in(tmp_path, plan=Plan.model_validate({"rules": rules}))
    page._source.raise_alert("Refuses", severity=Severity.LOW, key="gateway")
    page._source.raise_alert("Hot", key="oven-1")
    page.ingest()
    assert [(one["title"], one["severity"]) for one in page.active()["alerts"]] == [("Refuses", "CRITICAL")]
    assert page.raise_now("Refuses again", severity="LOW", key="gateway")["severity"] == "CRITICAL"
    with pytest.raises(Conflict):
        page.raise_now("Hot", key="oven-1")
    page.stop()


@pytest.fixture
def channel() -> RecordingChannel:
    """Takes everything."""
    return RecordingChannel()


@pytest.fixture
def page(tmp_path: Path, channel: RecordingChannel) -> Iterator[AutomatedAlerts]:
    """A page with an open journal and no threads."""
    opened = page_in(tmp_path, channel)
    yield opened
    opened.stop()


@pytest.fixture
def running(tmp_path: Path, channel: RecordingChannel) -> Iterator[tuple[AlertSource, AutomatedAlerts]]:
    """A source and the page that reads it, with threads, leading."""
    source = AlertSource(Journal("alerts"))
    page = AutomatedAlerts(AlertSettings(), source, tmp_path, [channel], SystemClock())
    page.start(lambda: True)
    yield source, page
    page.stop()


Running = tuple[AlertSource, AutomatedAlerts]


def test_raise_in_code_arrives(running: Running, channel: RecordingChannel) -> None:
    """It is delivered, and so is its end."""
    source, page = running
    source.raise_alert(
        "Gateway refuses", severity=Severity.CRITICAL, category=Category.BUSINESS, key="gateway"
    )
    wait_until(lambda: channel.said() == [("fired", "Gateway refuses")], what="the notice")
    assert page.active()["total"] == 1
    source.resolve_alert("gateway", category=Category.BUSINESS)
    wait_until(lambda: len(channel.notices) == 2, what="the end")
    assert page.active()["total"] == 0


def test_signal_of_another_page_arrives(running: Running, channel: RecordingChannel) -> None:
    """By the Emit that every page is given."""
    source, _ = running
    source.observe(
        Signal("performance", "cpu", "CPU is high", Severity.MEDIUM, Category.PERFORMANCE, code="cpu_high")
    )
    wait_until(lambda: channel.notices, what="the notice")
    assert channel.notices[0].alert.code == "cpu_high"


def test_raise_of_another_worker_arrives(running: Running, channel: RecordingChannel, tmp_path: Path) -> None:
    """The leader reads every journal of the folder."""
    other = page_in(tmp_path, channel)
    other.raise_now("from the other worker")
    wait_until(lambda: channel.notices, what="the notice")
    assert other.active() == running[1].active()
    other.stop()


def test_every_worker_may_run_and_one_sends(tmp_path: Path, channel: RecordingChannel) -> None:
    """Four workers that see the same condition make one notice."""
    pages = [page_in(tmp_path, channel) for _ in range(4)]
    for number, page in enumerate(pages):
        page.start(lambda number=number: number == 0)  # type: ignore[misc]
    threads = [threading.Thread(target=page.raise_now, args=("same",)) for page in pages]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    wait_until(lambda: channel.notices, what="the notice")
    pages[0].tick()
    assert (channel.said(), pages[3].active()["alerts"][0]["repeats"]) == ([("fired", "same")], 3)
    for page in pages:
        page.stop()


def test_who_begins_to_lead_delivers_what_waits(tmp_path: Path, channel: RecordingChannel) -> None:
    """Within a second or two, although its senders had nothing to do until then."""
    page, leads = page_in(tmp_path, channel), threading.Event()
    page.start(leads.is_set)
    page.raise_now("Gateway refuses", severity=Severity.CRITICAL)
    assert channel.said() == []
    leads.set()
    wait_until(lambda: channel.said() == [("fired", "Gateway refuses")], what="the notice", deadline=10)
    page.stop()


def test_worst_is_told_in_the_middle_of_a_storm(running: Running, channel: RecordingChannel) -> None:
    """A thousand LOW alerts are on their way, and the CRITICAL one is told within a second or so."""
    source, page = running
    for number in range(1_000):
        source.raise_alert(f"low {number}", severity=Severity.LOW)
    wait_until(lambda: len(channel.notices) > 50, what="the storm")
    source.raise_alert("bad", severity=Severity.CRITICAL)
    wait_until(lambda: ("fired", "bad") in channel.said(), what="the worst", deadline=2)
    assert page.active()["total"] == 1_001
    assert len(channel.notices) < 1_001


def test_alert_survives_a_restart(tmp_path: Path, channel: RecordingChannel) -> None:
    """What was raised is told by the next process."""
    first = page_in(tmp_path, channel)
    name = first.raise_now("before")["id"]
    first.stop()
    second = page_in(tmp_path, channel)
    second.start(lambda: True)
    wait_until(lambda: channel.said() == [("fired", "before")], what="the notice")
    assert second.active()["alerts"][0]["id"] == name
    second.stop()


def test_stop_can_be_repeated_and_undone(page: AutomatedAlerts, channel: RecordingChannel) -> None:
    """A page that was stopped can be started again."""
    page.start(lambda: True)
    page.stop()
    page.stop()
    page.start(lambda: True)
    page.raise_now("x")
    wait_until(lambda: channel.notices, what="the notice")


def test_raise_now_answers_with_the_alert(page: AutomatedAlerts) -> None:
    """Words in any case, and the id that everything else is done by."""
    shown = page.raise_now("Gateway refuses", severity="high", category="business", labels={"bank": "b"})
    assert (shown["severity"], shown["category"], shown["labels"]) == ("HIGH", "BUSINESS", {"bank": "b"})
    assert page.active()["alerts"] == [shown]
    json.dumps(shown)


@pytest.mark.parametrize("given", [{"title": " "}, {"severity": "urgent"}, {"category": "weather"}])
def test_raise_now_rejects_what_is_no_alert(page: AutomatedAlerts, given: dict[str, str]) -> None:
    """Nothing of it is kept."""
    with pytest.raises(InputRejected):
        page.raise_now(**{"title": "t", **given})  # type: ignore[arg-type]
    assert page.active()["total"] == 0


def test_acts_of_operators(page: AutomatedAlerts) -> None:
    """Acknowledged, resolved, and each step in the history, newest first."""
    name = page.raise_now("Gateway refuses")["id"]
    page.acknowledge(name, by="ana", reason="on it")
    page.resolve(name, by="bob", reason="restarted")
    steps = [(event["what"], event["who"], event["why"]) for event in page.history(alert_id=name)["events"]]
    assert steps[0] == ("resolved", "bob", "restarted")
    assert ("acknowledged", "ana", "on it") in steps
    with pytest.raises(Conflict):
        page.resolve(name, by="bob")
    with pytest.raises(NotFound):
        page.acknowledge("nothing", by="bob")


def test_history_is_paged(page: AutomatedAlerts) -> None:
    """From the newest to the oldest, nothing twice."""
    for number in range(5):
        page.raise_now(f"alert {number}")
    first = page.history(limit=3)
    second = page.history(limit=3, before=str(first["next_before"]))
    titles = [event["title"] for event in first["events"] + second["events"]]
    assert titles == [f"alert {number}" for number in (4, 3, 2, 1, 0)]
    assert second["next_before"] is None


@pytest.mark.parametrize("given", [{"limit": 0}, {"limit": 1_001}, {"before": "x"}, {"before": "-1"}])
def test_bad_page_is_rejected(page: AutomatedAlerts, given: dict[str, Any]) -> None:
    """With what would be right."""
    with pytest.raises(InputRejected) as caught:
        page.history(**given)
    assert caught.value.hint


def test_silences_are_listed_until_they_end(page: AutomatedAlerts) -> None:
    """With author and comment; ended by its id."""
    added = page.add_silence(matchers={"key": "x"}, minutes=5, by="ana", comment="deploy")
    assert page.silences() == {"silences": [added], "total": 1}
    page.end_silence(added["id"], by="ana")
    assert page.silences()["total"] == 0


def test_test_tries_every_channel_now(tmp_path: Path, channel: RecordingChannel) -> None:
    """And says of each how it did, whoever leads."""
    bad = RecordingChannel("bad")
    bad.failure = DeliveryFailed("no such host", "Check it.")
    page = page_in(tmp_path, channel, bad)
    result = page.test("ana")
    assert (result["ok"], [each["ok"] for each in result["channels"]]) == (False, [True, False])
    assert [event["who"] for event in page.history()["events"]] == ["ana", "ana"]
    page.stop()


def test_stats_and_measures_know_what_was_delivered(running: Running, channel: RecordingChannel) -> None:
    """Of every channel, with the last success and the last error."""
    source, page = running
    channel.failure = DeliveryFailed("the server is on fire")
    source.raise_alert("x", severity=Severity.HIGH)
    wait_until(lambda: page.stats()["channels"]["recording"]["failures"], what="the failure")
    assert page.health().level is Level.DEGRADED
    assert "the server is on fire" in page.health().reason
    channel.failure = None
    wait_until(lambda: page.stats()["channels"]["recording"]["sent"], what="the delivery")
    known = page.stats()["channels"]["recording"]
    assert (known["pending"], known["failures"], known["last_error"]) == (0, 0, "the server is on fire")
    assert page.health().level is Level.OK
    names = {measure.name for measure in page.measures()}
    assert names == {"atalaia_alerts_active", "atalaia_alert_notices", "atalaia_alert_notices_pending"}


def test_unreadable_store_is_down_and_said(page: AutomatedAlerts, tmp_path: Path) -> None:
    """Health answers whatever has become of the file."""
    page.stop()
    (tmp_path / "alerts.sqlite").unlink(missing_ok=True)
    (tmp_path / "alerts.lock").unlink(missing_ok=True)
    (tmp_path / "alerts.sqlite").mkdir()
    with_trouble = page.health()
    assert with_trouble.level is Level.DOWN
    (tmp_path / "alerts.sqlite").rmdir()


def test_files_are_private(page: AutomatedAlerts, tmp_path: Path) -> None:
    """Folder and files, whatever the umask."""
    page.raise_now("x")
    assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o600}


def test_secrets_reach_neither_files_nor_channels(tmp_path: Path, channel: RecordingChannel) -> None:
    """The page is given what takes them out."""
    page = page_in(tmp_path, channel, redact=lambda text: text.replace("4111", "****"))
    page.start(lambda: True)
    page.raise_now("card 4111", message="m 4111", key="k 4111", labels={"a": "4111"})
    wait_until(lambda: channel.notices, what="the notice")
    page.stop()
    assert "4111" not in repr(channel.notices)
    assert not any(b"4111" in path.read_bytes() for path in tmp_path.iterdir())


def test_trim_leaves_what_is_young(page: AutomatedAlerts) -> None:
    """90 days by default."""
    page.resolve(page.raise_now("x")["id"], by="ana")
    page.trim()
    assert page.stats()["total"] == 1


def test_module_has_a_source_for_everybody() -> None:
    """`alerts.raise_alert(...)` works from the first import on, and waits for a tower."""
    assert isinstance(alerts, AlertSource)


@hypothesis_settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["observe", "clear", "note", "fail", "work", "wait", "long"]),
            st.sampled_from(Severity),
        ),
        max_size=25,
    )
)
def test_nobody_is_flooded_and_nothing_is_lost(
    tmp_path_factory: pytest.TempPathFactory, events: list[tuple[str, Severity]]
) -> None:
    """Whatever happens in whatever order: no end without its beginning, no notice inside a cooldown but for
    what is worse or over, and every episode that began was told or has a reason why not.
    """
    room = Room(tmp_path_factory.mktemp("room"), FrozenClock())
    delivered: list[tuple[float, Any]] = []
    for event, severity in events:
        if event == "fail":
            room.channels[0].failure = DeliveryFailed("down")
        elif event == "work":
            room.channels[0].failure = None
        elif event in ("wait", "long"):
            room.pass_time(seconds=20 if event == "wait" else 5_000)
        else:
            condition = {"clear": Condition.CLEARED, "note": Condition.NOTED}.get(event, Condition.RAISED)
            room.observe(severity=severity, condition=condition)
            room.deliver()
        delivered += [(room.clock.monotonic(), n) for n in room.channels[0].notices[len(delivered) :]]
    _check(delivered)
    with room.database.read() as connection:
        rows = connection.execute(
            "select id from alert where id not in (select alert_id from outbox)"
            " and id not in (select alert_id from event where what = 'withheld')"
        ).fetchall()
    assert rows == []
    room.close()


def _check(delivered: list[tuple[float, Any]]) -> None:
    told: set[str] = set()
    last: tuple[float, Severity] | None = None
    for at, notice in delivered:
        severity = notice.alert.severity
        if notice.kind == "resolved":
            assert notice.alert.id in told
            continue
        if last is not None and severity.rank <= last[1].rank:
            assert at - last[0] >= AlertSettings().cooldown_seconds(severity)
        told.add(notice.alert.id)
        last = (at, severity)
