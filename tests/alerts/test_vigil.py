"""What the leader does so that silence means that all is well."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from app.alerts import standing
from app.alerts.channels.recording import RecordingChannel
from app.alerts.model import Alert
from app.alerts.settings import AlertSettings
from app.alerts.store import open_store
from app.alerts.vigil import Vigil
from app.core.errors import DeliveryFailed
from app.core.health import Health, Level
from app.core.signal import Condition
from app.testing import FrozenClock, RecordingEmit

from .servers import HttpServer, answer

Keep = Callable[..., Vigil]


class Forgetful(RecordingChannel):
    """A channel that has to be told again and again."""

    heard: Sequence[Alert] | None = None

    def refresh(self, alerts: Sequence[Alert]) -> None:
        """Everything that fires."""
        self.heard = alerts


@pytest.fixture
def emit() -> RecordingEmit:
    """What the vigil says."""
    return RecordingEmit()


@pytest.fixture
def keep(tmp_path: Path, clock: FrozenClock, emit: RecordingEmit) -> Iterator[Keep]:
    """Begins a vigil over channels."""
    database = open_store(tmp_path)

    def begin(*channels: RecordingChannel, health: Health | None = None, **settings: Any) -> Vigil:
        said = AlertSettings(timezone="UTC", **settings)
        return Vigil(said, database, channels, emit, lambda: health or Health(), clock)

    yield begin
    database.close()


def overview(vigil: Vigil, name: str, clock: FrozenClock) -> dict[str, Any]:
    """What is known of a channel."""
    with vigil._database.read() as connection:
        return standing.overview(connection, [name], clock.now(), clock.now())[name]


def test_unclean_death_is_announced_at_the_first_turn(
    keep: Keep, clock: FrozenClock, emit: RecordingEmit
) -> None:
    """With the window in which nobody was on watch."""
    first = keep()
    first.live()
    with first._database.write() as connection:
        connection.execute("update life set owner = '4194305-1'")
    clock.advance(minutes=3)
    second = keep()
    second.live()
    second.live()
    assert [(signal.code, signal.condition) for signal in emit.signals] == [("was_down", Condition.NOTED)]
    assert emit.signals[0].labels == {"from": "2026-11-23T12:00:00Z", "until": "2026-11-23T12:03:00Z"}
    second.end()
    clock.advance(minutes=1)
    keep().live()
    assert len(emit.signals) == 1


def test_channels_are_tried_once_a_day(keep: Keep, clock: FrozenClock, emit: RecordingEmit) -> None:
    """From noon it is 21 hours until nine; how long each took is kept, and a failure is an alert."""
    channel = RecordingChannel()
    vigil = keep(channel)
    clock.advance(hours=20.9)
    assert not vigil.try_channels()
    channel.failure = DeliveryFailed("no such host")
    clock.advance(hours=0.1)
    assert vigil.try_channels()
    assert not vigil.try_channels()
    known = overview(vigil, "recording", clock)
    assert (known["canary_error"], known["canary_at"]) == ("no such host", "2026-11-24T09:00:00.000000Z")
    channel.failure = None
    clock.advance(days=1)
    assert vigil.try_channels()
    assert [signal.condition for signal in emit.signals] == [Condition.RAISED, Condition.CLEARED]
    assert channel.notices == []


def test_nobody_is_tried_who_should_not_be(keep: Keep, clock: FrozenClock) -> None:
    """Switched off, or no channel at all."""
    off, nobody = keep(RecordingChannel(), canary="off"), keep()
    clock.advance(days=2)
    assert not off.try_channels()
    assert not nobody.try_channels()


def test_watch_outside_hears_how_it_is(keep: Keep, clock: FrozenClock) -> None:
    """Well, not well, and not at all, which is remembered."""
    server = HttpServer(answer(200), answer(200), answer(500))
    url = f"{server.url}/x"
    keep(heartbeat_url=url).ping()
    vigil = keep(heartbeat_url=url, health=Health(Level.DEGRADED, "email fails"))
    vigil.ping()
    assert [request.line for request in server.requests] == ["POST /x HTTP/1.1", "POST /x/fail HTTP/1.1"]
    vigil.ping()
    known = overview(vigil, "heartbeat", clock)
    assert (known["sent"], known["failures"], known["last_error"]) == (2, 1, "heartbeat answered 500")
    server.close()
    keep().ping()


def test_forgetful_channel_is_told_everything(keep: Keep) -> None:
    """The others are not."""
    channel = Forgetful()
    keep(channel, RecordingChannel("other")).refresh()
    assert channel.heard == []
    keep(RecordingChannel("other")).refresh()
