"""Server-Sent Events go on until somebody has had enough, and hold nobody up."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from app.production import events
from app.production.events import EventStream
from app.production.offload import Offload


class Script:
    """Events that come in turn; None is a moment in which nothing is new."""

    def __init__(self, *texts: bytes | None) -> None:
        self.texts = list(texts)
        self.closed = 0

    def read(self) -> bytes | None:
        return self.texts.pop(0) if self.texts else None

    def heartbeat(self) -> bytes:
        return b": nothing new\n\n"

    def close(self) -> None:
        self.closed += 1


class Client:
    """Reads an answer; goes away, or is stuck, once it has so many bytes."""

    def __init__(self, *, enough: int = 1 << 30, stuck_at: int = 1 << 30) -> None:
        self.start: dict[str, Any] = {}
        self.body = b""
        self.ended = False
        self._enough, self._stuck_at = enough, stuck_at
        self._gone = asyncio.Event()

    async def receive(self) -> dict[str, Any]:
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            self.start = message
            return
        self.body += message["body"]
        self.ended = not message.get("more_body", False)
        if len(self.body) >= self._stuck_at:
            await asyncio.Event().wait()
        if len(self.body) >= self._enough:
            self._gone.set()


async def serve(
    script: Script, client: Client, is_stopping: Callable[[], bool] = lambda: False, method: str = "GET"
) -> None:
    answer = EventStream(script, Offload(), is_stopping)
    async with asyncio.timeout(20):
        await answer({"type": "http", "method": method}, client.receive, client.send)


def test_events_are_sent_as_they_come(monkeypatch: pytest.MonkeyPatch) -> None:
    """Until the client goes away, at which the events are closed."""
    monkeypatch.setattr(events, "_POLL_SECONDS", 0.01)
    script, client = Script(b"one", None, b"", b"two"), Client(enough=6)
    asyncio.run(serve(script, client))
    assert (client.body, script.closed) == (b"onetwo", 1)
    headers = dict(client.start["headers"])
    assert headers[b"content-type"].startswith(b"text/event-stream")
    assert b"content-length" not in headers


def test_a_quiet_stream_shows_that_it_is_alive(monkeypatch: pytest.MonkeyPatch) -> None:
    """A comment is sent when nothing has come for a while."""
    monkeypatch.setattr(events, "_POLL_SECONDS", 0.01)
    monkeypatch.setattr(events, "_HEARTBEAT_SECONDS", 0.03)
    client = Client(enough=16)
    asyncio.run(serve(Script(), client))
    assert client.body == b": nothing new\n\n" * 2


def test_a_server_that_stops_ends_its_streams() -> None:
    """At once, and properly, so that it does not wait for them."""
    script, client = Script(b"one"), Client()
    asyncio.run(serve(script, client, is_stopping=lambda: not script.texts))
    assert (client.body, client.ended, script.closed) == (b"one", True, 1)


def test_a_client_that_does_not_read_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """It holds its place for a bounded time, and no thread."""
    monkeypatch.setattr(events, "_SLOW_SECONDS", 0.05)
    script = Script(b"one")
    asyncio.run(serve(script, Client(stuck_at=1)))
    assert script.closed == 1


def test_asking_for_the_head_only_streams_nothing() -> None:
    """HEAD ends at once."""
    script, client = Script(b"one"), Client()
    asyncio.run(serve(script, client, method="HEAD"))
    assert (client.body, client.ended, script.closed) == (b"", True, 1)
