"""Who is told, and what stands in a message beside its alert."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from app.core.clock import rfc3339
from app.services.production_logger import ProductionLogger
from app.settings import load
from app.telling import RecentErrors, channels_of, links_of, outside_of
from app.testing import FrozenClock, RecordingEmit

ALL = {
    "SMTP_HOST": "mail",
    "ALERT_EMAIL_FROM": "a@example.org",
    "ALERT_EMAIL_TO": "b@example.org",
    "SLACK_WEBHOOK_URL": "https://hooks.slack.com/services/x",
    "SLACK_SIGNING_SECRET": "secret",
    "ALERT_WHATSAPP_PROVIDER": "meta",
    "ALERT_WHATSAPP_TO": "+5511987654321",
    "ALERT_META_TOKEN": "t",
    "ALERT_META_PHONE_NUMBER_ID": "1",
    "ALERT_WEBHOOK_URL": "https://example.org/hook",
    "ALERT_PAGERDUTY_ROUTING_KEY": "r",
    "ALERT_ALERTMANAGER_URL": "http://localhost:9093",
    "ALERT_APPRISE_URLS": "ntfy://one tgram://two/3",
    "ALERT_DASHBOARD_URL": "https://shop.example/production/",
    "ALERT_LOG_LINES": "2",
}


@pytest.fixture
def logger(tmp_path: Path, clock: FrozenClock) -> Iterator[ProductionLogger]:
    """A started one."""
    settings = load(tmp_path, {})
    made = ProductionLogger(settings.logs, settings.log_folder, clock, RecordingEmit())
    made.start()
    yield made
    made.stop()


def test_every_channel_that_is_configured_is_there(tmp_path: Path) -> None:
    """And none that is not; each has a name of its own."""
    names = [channel.name for channel in channels_of(load(tmp_path, ALL))]
    assert names[:6] == ["email", "slack", "whatsapp", "webhook", "pagerduty", "alertmanager"]
    assert [name[:-7] for name in names[6:]] == ["apprise-ntfy", "apprise-tgram"]
    assert channels_of(load(tmp_path, {})) == []


def test_lines_are_those_that_name_what_the_alert_is_about(
    logger: ProductionLogger, clock: FrozenClock
) -> None:
    """The newest errors with its most telling label in them, oldest first, without secrets."""
    clock.set(rfc3339(datetime.now(UTC)))  # Because log lines have the machine's own time.
    for number in range(3):
        logging.getLogger("app.pay").error("refused %d by charge() token=s3cr3t-%d", number, number)
    logging.getLogger("app.other").error("something else")
    lines = RecentErrors(logger, clock, 2).about({"type": "x", "where": "charge()"})
    assert [line.partition("refused ")[2][:1] for line in lines] == ["1", "2"]
    assert "ERROR app.pay: refused" in lines[0]
    assert "s3cr3t" not in "".join(lines)


def test_no_lines_where_nothing_tells_which(logger: ProductionLogger, clock: FrozenClock) -> None:
    """Lines about something else would mislead; none are wanted with ALERT_LOG_LINES=0."""
    clock.set(rfc3339(datetime.now(UTC)))
    logging.getLogger("app").error("x happened")
    assert RecentErrors(logger, clock, 2).about({"order": "x"}) == ()
    assert RecentErrors(logger, clock, 0).about({"where": "x"}) == ()


def test_channels_that_ask_at_once_are_answered_alike(logger: ProductionLogger, clock: FrozenClock) -> None:
    """And later ones by what is new then."""
    clock.set(rfc3339(datetime.now(UTC)))
    errors = RecentErrors(logger, clock, 5)
    logging.getLogger("app").error("x failed")
    first = errors.about({"where": "x"})
    logging.getLogger("app").error("x failed again")
    assert errors.about({"where": "x"}) == first
    clock.advance(seconds=11)
    assert len(errors.about({"where": "x"})) == 2


class SlowDisk(FrozenClock):
    """Time passes between two looks at it, as while a large log is read."""

    seconds = 0.0

    def monotonic(self) -> float:
        now = super().monotonic()
        self.advance(seconds=self.seconds)
        return now


def test_a_log_that_takes_long_to_read_is_left_alone_for_ten_times_as_long(logger: ProductionLogger) -> None:
    """A storm of alerts must not read it for each; what was read is still told to who asks for the same."""
    clock = SlowDisk(rfc3339(datetime.now(UTC)))
    errors = RecentErrors(logger, clock, 5)
    logging.getLogger("app").error("x and y failed")
    clock.seconds = 4.0
    assert len(errors.about({"where": "x"})) == 1  # Read at once, for four seconds: rests for forty.
    clock.seconds = 0.0
    assert len(errors.about({"where": "x"})) == 1
    clock.advance(seconds=35)
    assert errors.about({"where": "y"}) == ()
    clock.advance(seconds=2)
    assert len(errors.about({"where": "y"})) == 1


def test_buttons_work_with_a_signing_secret_only(tmp_path: Path) -> None:
    """Without one nobody could tell Slack from anybody else."""
    for environ, works in ((ALL, True), ({}, False)):
        settings = load(tmp_path, environ)
        is_slack = outside_of(settings, links_of(settings)).is_slack
        assert (is_slack is not None) is works
        assert is_slack is None or not is_slack(b"", "", "")


def test_lines_have_the_time_and_the_cause_that_their_reader_looks_for(
    logger: ProductionLogger, clock: FrozenClock
) -> None:
    """The time of day is that of the messages' zone; of an exception stands there what it said."""
    clock.set(rfc3339(datetime.now(UTC)))
    try:
        float("card expired")
    except ValueError:
        logging.getLogger("app.pay").exception("cannot pay")
    (line,) = RecentErrors(logger, clock, 5, ZoneInfo("Asia/Kolkata")).about({"where": "pay"})
    written = logger.reading.recent(type="errors", limit=1)["records"][0]["timestamp"]
    there = datetime.fromisoformat(written).astimezone(ZoneInfo("Asia/Kolkata"))
    assert line.startswith(f"{there:%H:%M:%S} ERROR app.pay")
    assert line.endswith("ERROR app.pay: cannot pay: could not convert string to float: 'card expired'")
