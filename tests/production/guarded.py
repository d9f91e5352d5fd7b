"""What the tests of access ask: a small application behind the gate, on a real uvicorn and real sockets."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email.message import Message
from hashlib import sha256
from http.client import parse_headers
from ipaddress import ip_address
from pathlib import Path
from typing import Any, BinaryIO, Self

import pytest
import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from app.core.clock import Clock, SystemClock
from app.production.access import Decision
from app.production.gate import AccessControl
from app.production.peer import Peer, doubt_about, peer_of
from app.production.settings import AccessSettings
from app.production.sock_diag import Endpoint, canonical
from app.production.tokens import Role, TokenEntry
from app.testing import wait_until

# Because the workers of a parallel run must name the same tests, these tokens are not random.
READ_TOKEN, OPERATE_TOKEN = "atalaia_for_reading", "atalaia_for_operating"
READ_ENTRY = TokenEntry(Role.READ, sha256(READ_TOKEN.encode()).hexdigest())
OPERATE_ENTRY = TokenEntry(Role.OPERATE, sha256(OPERATE_TOKEN.encode()).hexdigest())
SETTINGS = AccessSettings.model_validate({"tokens": f"{READ_ENTRY},{OPERATE_ENTRY}"})
STRANGER = 54321

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")


async def inside(scope: Scope, receive: Receive, send: Send) -> None:
    """The application behind the gate; it says `inside` to whom it sees."""
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"6")]})
    await send({"type": "http.response.body", "body": b"inside"})


class Guarded:
    """An application behind the gate, and every decision that the gate took."""

    def __init__(
        self, app: ASGIApp = inside, settings: AccessSettings = SETTINGS, clock: Clock | None = None
    ) -> None:
        self.decisions: list[Decision] = []
        self.gate = AccessControl(
            app,
            settings=settings,
            clock=clock or SystemClock(),
            on_decision=lambda decision, _: self.decisions.append(decision),
        )

    def ask(self, path: str, method: str = "GET", *headers: str, **scope: Any) -> tuple[int, dict[str, str]]:
        """What somebody unknown gets: a status (or the code of a closed websocket) and headers."""
        sent: list[Any] = []

        async def send(message: Any) -> None:
            sent.append(message)

        async def receive() -> Any:
            raise AssertionError("the gate waits for nothing")

        scope = {**request(method, path, *headers), **scope}
        asyncio.run(self.gate(scope, receive, send))  # type: ignore[arg-type]
        said = {k.decode(): v.decode() for k, v in sent[0].get("headers", [])}
        return sent[0].get("status", sent[0].get("code")), said

    def status(self, path: str, method: str = "GET", *headers: str, **scope: Any) -> int:
        """The status alone."""
        return self.ask(path, method, *headers, **scope)[0]


def request(method: str, path: str, *headers: str) -> dict[str, Any]:
    """The scope of a request from nowhere."""
    named = [line.partition(": ")[::2] for line in headers]
    return {
        "type": "http", "method": method, "path": path, "client": None, "scheme": "http",
        "headers": [(name.lower().encode(), value.encode("latin-1")) for name, value in named],
    }  # fmt: skip


@dataclass
class Answer:
    """What came back over a socket."""

    status: int
    headers: Message
    body: str


class Server:
    """The guarded application on a real uvicorn with its defaults, proxy headers among them."""

    def __init__(
        self,
        guarded: Guarded | None = None,
        *,
        app: Any = None,
        http: str = "h11",
        loop: str = "asyncio",
        host: str = "127.0.0.1",
        uds: Path | None = None,
    ) -> None:
        self.guarded = guarded or Guarded()
        self.uds, self.port = uds, 0
        config = uvicorn.Config(
            app or self.guarded.gate,
            host=host, port=0, uds=uds and str(uds),
            http=http, ws="none", loop=loop, lifespan="off", log_config=None,
        )  # fmt: skip
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run)

    def __enter__(self) -> Self:
        self._thread.start()
        wait_until(lambda: self._server.started, what="uvicorn")
        if not self.uds:
            self.port = self._server.servers[0].sockets[0].getsockname()[1]
        return self

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = True
        self._thread.join()

    @property
    def last(self) -> Decision:
        """The gate's last decision."""
        return self.guarded.decisions[-1]

    def connect(self, to: str = "127.0.0.1", owner: int | None = None) -> socket.socket:
        """A connection, which as root may be made another user's."""
        if self.uds:
            connection = socket.socket(socket.AF_UNIX)
            connection.connect(str(self.uds))
            return connection
        connection = socket.create_connection((to, self.port), timeout=10)
        if owner is not None:
            os.fchown(connection.fileno(), owner, owner)
        return connection

    def ask(self, request: str = "GET /production/x", *headers: str, **connect: Any) -> Answer:
        """One request over a connection of its own; without a Host among the headers it names localhost."""
        with self.connect(**connect) as connection, connection.makefile("rb") as answers:
            connection.sendall(self.plain(request, *headers))
            return answer(answers)

    def plain(self, request: str = "GET /production/x", *headers: str) -> bytes:
        """The bytes of a request."""
        if not any(line.lower().startswith("host:") for line in headers):
            headers = (f"Host: localhost:{self.port}", *headers)
        return "\r\n".join([f"{request} HTTP/1.1", *headers, "", ""]).encode("latin-1")


def answer(stream: BinaryIO) -> Answer:
    """The next answer with a Content-Length."""
    status = int(stream.readline().split()[1])
    headers = parse_headers(stream)
    return Answer(status, headers, stream.read(int(headers["content-length"])).decode())


def own_peer(client: socket.socket) -> Peer | None:
    """Whose the client's end of a connection is."""
    return peer_of(endpoint(client.getsockname()), endpoint(client.getpeername()))


def endpoint(name: tuple[Any, ...]) -> Endpoint:
    """A socket's name as the look-ups take it."""
    return canonical(ip_address(name[0])), name[1]


def skip_where_we_look_like_a_proxy() -> None:
    """Skips where somebody's server shares our cgroup and serves other machines: rule 6 would refuse us."""
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        socket.create_connection(listener.getsockname()) as us,
    ):
        peer = own_peer(us)
        doubt = doubt_about(peer, 0) if peer else "no peer look-up here"
    if doubt:
        pytest.skip(doubt)


@contextmanager
def own_cgroup() -> Iterator[Path]:
    """A new cgroup (version 2) below ours; skips where it cannot be made."""
    mounts = Path("/proc/self/mountinfo").read_text().splitlines()
    place = next((line.split()[4] for line in mounts if " - cgroup2 " in line), "/none")
    ours = Path("/proc/self/cgroup").read_text().rpartition("0::")[2].strip()
    folder = Path(place) / ours.lstrip("/") / f"atalaia-test-{os.getpid()}"
    try:
        folder.mkdir()
    except OSError:
        pytest.skip("a cgroup of version 2 cannot be made here")
    yield folder
    wait_until(lambda: not (folder / "cgroup.procs").read_text(), what="the end of the cgroup's processes")
    folder.rmdir()


def need(*programs: str) -> None:
    """Skips where a program is missing."""
    missing = [name for name in programs if not shutil.which(name)]
    if missing:
        pytest.skip(f"{missing} not installed")
