"""One line and an exit code, whatever the application answers."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from app.operation.monitor import ask
from app.settings import ServerSettings


class Scripted(HTTPServer):
    """Answers each path as it was told to."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answering)
        self.answers: dict[str, tuple[int, bytes]] = {}

    def settings(self) -> ServerSettings:
        return ServerSettings(host="127.0.0.1", port=self.server_port)


class Answering(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        status, body = self.server.answers.get(self.path, (404, b"{}"))
        self.send_response(status)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        return


@pytest.fixture
def application() -> Iterator[Scripted]:
    server = Scripted()
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize(("status", "code"), [("ok", 0), ("degraded", 1), ("down", 2)])
def test_the_exit_code_is_the_status(application: Scripted, status: str, code: int) -> None:
    """ok 0, degraded 1, down 2; the line begins with the status and holds every reason."""
    document = {"status": status, "reasons": ["a: b", "c: d"]}
    application.answers["/production/system/status"] = (200, json.dumps(document).encode())
    answer = ask(application.settings())
    assert answer.exit_code == code
    assert answer.line == f"{status.upper()} a: b; c: d"


def test_silence_is_down(application: Scripted) -> None:
    """Nobody listening is exit code 2 with the reason."""
    answer = ask(ServerSettings(host="127.0.0.1", port=1))
    assert answer.exit_code == 2
    assert "no answer" in answer.line


def test_where_a_token_is_needed_the_probe_is_asked(application: Scripted) -> None:
    """A server that cannot know us still says whether it is ready."""
    application.answers["/production/system/status"] = (401, b"{}")
    application.answers["/production/health/ready"] = (200, b'{"status":"ok"}')
    assert ask(application.settings()).exit_code == 0


@pytest.mark.parametrize("body", [b"<html>", b"[]", b'{"status":7}', b""])
def test_an_answer_of_somebody_else_is_down(application: Scripted, body: bytes) -> None:
    """Another program on the port is not taken for ours."""
    application.answers["/production/system/status"] = (200, body)
    assert ask(application.settings()).exit_code == 2
