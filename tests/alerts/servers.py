"""Real servers on loopback that behave as they are told: HTTP and SMTP, good, slow, silent and rude."""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Any
from urllib.parse import parse_qsl, urlencode

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

Script = Callable[[socket.socket], None]


def silent(connection: socket.socket) -> None:
    """Accepts and says nothing, until the other side leaves."""
    connection.settimeout(30)
    while connection.recv(65536):
        pass


def one_byte_a_second(connection: socket.socket) -> None:
    """Answers so slowly that no time-out for a single read ever comes."""
    gone = threading.Event()

    def listen() -> None:
        try:
            while connection.recv(65536):
                pass
        except OSError:
            pass
        gone.set()

    threading.Thread(target=listen, daemon=True).start()
    for byte in b"220 HTTP/1.1 200 OK" * 100:
        if gone.wait(0.2):
            return
        connection.sendall(bytes([byte]))


def endless(connection: socket.socket) -> None:
    """An answer that never ends."""
    connection.recv(65536)
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n")
    while True:
        connection.sendall(b"x" * 65536)


def answer(status: int, body: str = "", **headers: str) -> Script:
    """One HTTP answer."""
    lines = [f"HTTP/1.1 {status} Scripted", f"Content-Length: {len(body.encode())}", "Connection: close"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    said = ("\r\n".join(lines) + "\r\n\r\n" + body).encode()
    return lambda connection: connection.sendall(said)


class HttpServer:
    """Answers each request by the next script, the last one again and again; keeps what it was sent."""

    def __init__(self, *scripts: Script, trust: ssl.SSLContext | None = None) -> None:
        self.requests: list[Request] = []
        self._scripts = list(scripts)
        self._trust = trust
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port: int = self._socket.getsockname()[1]
        self.url = f"http{'s' if trust else ''}://localhost:{self.port}"
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End it; later connections are refused."""
        if self._socket.fileno() < 0:
            return
        self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join(5)
        self._socket.close()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection: socket.socket) -> None:
        try:
            with self._trust.wrap_socket(connection, server_side=True) if self._trust else connection as wire:
                if self._scripts[0] in (silent, one_byte_a_second, endless):
                    self._scripts[0](wire)
                else:
                    request = _read_request(wire)
                    self.requests.append(request)
                    self._script_for(request)(wire)
        except OSError:
            return  # Because a client that leaves early is what some tests are about.

    def _script_for(self, _request: Request) -> Script:
        return self._scripts.pop(0) if len(self._scripts) > 1 else self._scripts[0]


class TwilioServer(HttpServer):
    """A Twilio that keeps what it was given, says what became of it, and can be asked for it.

    Its answers have the shapes of Twilio's own OpenAPI description (docs/alerts.md, WhatsApp).
    """

    def __init__(self) -> None:
        self.messages: list[dict[str, Any]] = []
        self._lock = threading.Lock()
        super().__init__(answer(404))

    def sent(self) -> list[str]:
        """The texts, in order."""
        with self._lock:
            return [message["body"] for message in self.messages]

    def _script_for(self, request: Request) -> Script:
        verb, place, _ = request.line.split()
        path, _, query = place.partition("?")
        account, _, name = path.removesuffix(".json").partition("/Messages")
        with self._lock:
            if verb == "POST":
                self.messages.append(_twilio_message(account, len(self.messages), request))
                return _says(201, self.messages[-1])
            if not name:
                return _says(200, self._page(path, dict(parse_qsl(query))))
            return _says(200, {**self.messages[int(name[3:], 16)], "status": "delivered"})

    def _page(self, path: str, asked: dict[str, str]) -> dict[str, Any]:
        """The newest first."""
        number, size = int(asked.get("Page", 0)), int(asked.get("PageSize", 50))
        wanted = [message for message in reversed(self.messages) if message["to"] == asked["To"]]
        start = number * size

        def address(page: int) -> str:
            query = urlencode({"To": asked["To"], "PageSize": size, "Page": page, "PageToken": f"PA{page}"})
            return f"{path}?{query}"

        return {
            "messages": wanted[start : start + size],
            "page": number, "page_size": size, "start": start, "end": start + size - 1,
            "uri": address(number), "first_page_uri": address(0),
            "previous_page_uri": address(number - 1) if number else None,
            "next_page_uri": address(number + 1) if len(wanted) > start + size else None,
        }  # fmt: skip


class SlackServer(HttpServer):
    """Slack's API for a bot: keeps what is posted into channels and to people, and can be read."""

    def __init__(self) -> None:
        self.messages: list[dict[str, Any]] = []
        self._lock = threading.Lock()
        super().__init__(answer(404))

    def _script_for(self, request: Request) -> Script:
        method = request.line.split()[1].rpartition("/")[2]
        is_json = request.headers.get("content-type", "").startswith("application/json")
        said = request.json() if is_json else dict(parse_qsl(request.body.decode()))
        with self._lock:
            return _says(200, {"ok": True, **self._done(method, said)})

    def _done(self, method: str, said: dict[str, Any]) -> dict[str, Any]:
        if method == "chat.postMessage":
            # Because what is posted to a person stands in the conversation with them.
            place = said["channel"].replace("U", "D", 1)
            self.messages.append({**said, "channel": place, "ts": f"{len(self.messages) + 1}.0"})
            return {"channel": place, "ts": self.messages[-1]["ts"]}
        if method == "conversations.open":
            return {"channel": {"id": said["users"].replace("U", "D", 1)}}
        if method == "conversations.history":
            return {"messages": [one for one in self.messages if one["channel"] == said["channel"]]}
        return {}


def _says(status: int, content: object) -> Script:
    return answer(status, json.dumps(content), Content_Type="application/json")


def _twilio_message(account: str, number: int, request: Request) -> dict[str, Any]:
    said, now = dict(parse_qsl(request.body.decode())), format_datetime(datetime.now(UTC))
    sid = f"SM{number:032x}"
    uri = f"{account}/Messages/{sid}"
    return {
        "sid": sid, "account_sid": account.rpartition("/")[2], "messaging_service_sid": None,
        "from": said["From"], "to": said["To"], "body": said.get("Body", said.get("ContentVariables", "")),
        "status": "queued", "direction": "outbound-api", "api_version": "2010-04-01",
        "date_created": now, "date_sent": None, "date_updated": now, "num_media": "0", "num_segments": "1",
        "price": None, "price_unit": "USD", "error_code": None, "error_message": None,
        "uri": f"{uri}.json", "subresource_uris": {"media": f"{uri}/Media.json"},
    }  # fmt: skip


@dataclass(frozen=True)
class Request:
    """What a client sent."""

    line: str
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


def _read_request(wire: socket.socket) -> Request:
    wire.settimeout(10)
    with wire.makefile("rb") as stream:
        line = stream.readline().decode().strip()
        headers = {}
        while text := stream.readline().decode().strip():
            name, _, value = text.partition(":")
            headers[name.lower()] = value.strip()
        length = int(headers.get("content-length", 0))
        body = stream.read(length)
    if not line or len(body) != length:
        raise ConnectionError("the client was cut off")
    return Request(line, headers, body)


@dataclass
class Mailbox:
    """An SMTP server's memory and manners: a reply by the name of the command replaces "250 OK"."""

    mails: list[EmailMessage] = field(default_factory=list)
    recipients: list[list[str]] = field(default_factory=list)
    replies: dict[str, str] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    logins: list[tuple[bytes, bytes]] = field(default_factory=list)
    drop_after_data: bool = False

    async def handle_MAIL(  # noqa: N802 aiosmtpd's name
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        envelope.mail_from = address
        return self.replies.get("MAIL", "250 OK")

    async def handle_RCPT(  # noqa: N802
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        if address in self.refused:
            return self.refused[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        reply = self.replies.get("DATA", "250 OK")
        if reply.startswith("250"):
            parsed = message_from_bytes(bytes(envelope.content or b""), policy=policy.default)
            assert isinstance(parsed, EmailMessage)
            self.mails.append(parsed)
            self.recipients.append(list(envelope.rcpt_tos))
        if self.drop_after_data:
            server.transport.abort()
        return reply

    def authenticate(
        self, _server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, data: Any
    ) -> AuthResult:
        """Lets in whoever knows the password `right`."""
        assert isinstance(data, LoginPassword)
        self.logins.append((data.login, data.password))
        return AuthResult(success=data.password == b"right", handled=False)


@contextmanager
def smtp_server(
    mailbox: Mailbox, *, security: str = "none", trust: ssl.SSLContext | None = None, login: bool = False
) -> Iterator[int]:
    """A real SMTP server on loopback; its port."""
    loop = asyncio.new_event_loop()

    def protocol() -> SMTP:
        return SMTP(
            mailbox,
            hostname="mail.test",
            tls_context=trust if security == "starttls" else None,
            require_starttls=security == "starttls",
            authenticator=mailbox.authenticate if login else None,
            auth_require_tls=False,
            loop=loop,
            timeout=10,
        )

    started = loop.create_server(protocol, "127.0.0.1", 0, ssl=trust if security == "tls" else None)
    server = loop.run_until_complete(started)
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        asyncio.run_coroutine_threadsafe(_end(server), loop).result(5)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(5)
        loop.close()


async def _end(server: asyncio.Server) -> None:
    server.close()
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
    # Because transports close themselves in the next turns of the loop.
    for _ in range(3):
        await asyncio.sleep(0)
