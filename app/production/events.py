"""Server-Sent Events: an answer that goes on until the client, or the server, has had enough."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable
from typing import Protocol

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from .offload import Offload

_POLL_SECONDS = 0.2
_HEARTBEAT_SECONDS = 15.0
_SLOW_SECONDS = 60.0


class Events(Protocol):
    """Where events come from: texts as the standard has them."""

    def read(self) -> bytes | None:
        """What comes next, without waiting; None while nothing is new."""

    def heartbeat(self) -> bytes:
        """What is sent when nothing has come for 15 s."""

    def close(self) -> None: ...


def server_is_stopping() -> bool:
    """Whether uvicorn, in this process, has been told to stop.

    It tells applications only when every answer has ended, which one without an end never does. Its
    signal handler is a method of the server, and so leads to it.
    """
    server = getattr(signal.getsignal(signal.SIGTERM), "__self__", None)
    return getattr(server, "should_exit", False) is True


class EventStream(Response):
    """Reads in turns, each in one of our threads; a client that reads slowly holds nothing but its place.

    One that takes in nothing for a minute is given up.
    """

    media_type = "text/event-stream"

    def __init__(
        self, events: Events, offload: Offload, is_stopping: Callable[[], bool] = server_is_stopping
    ) -> None:
        # Because nginx would keep back what comes until it has 4 kB of it.
        super().__init__(headers={"x-accel-buffering": "no"})
        del self.headers["content-length"]
        self._events = events
        self._offload = offload
        self._is_stopping = is_stopping

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        gone = asyncio.ensure_future(_disconnected(receive))
        try:
            await send(
                {"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers}
            )
            if scope["method"] != "HEAD":
                await self._stream(gone, send)
            await send({"type": "http.response.body", "body": b""})
        except TimeoutError:
            return  # Because the client does not read, there is nobody to say it to.
        finally:
            gone.cancel()
            # Because this may be the end of the event loop, it is not left to one of its threads.
            self._events.close()

    async def _stream(self, gone: asyncio.Future[None], send: Send) -> None:
        quiet_seconds = 0.0
        while not gone.done() and not self._is_stopping():
            text = await self._offload(self._events.read)
            if text is None:
                await asyncio.wait((gone,), timeout=_POLL_SECONDS)
                quiet_seconds += _POLL_SECONDS
                text = self._events.heartbeat() if quiet_seconds >= _HEARTBEAT_SECONDS else b""
            if text:
                quiet_seconds = 0.0
                async with asyncio.timeout(_SLOW_SECONDS):
                    await send({"type": "http.response.body", "body": text, "more_body": True})


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
