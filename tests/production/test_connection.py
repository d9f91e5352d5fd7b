"""A connection that is not there any more lets nobody in, whoever has its ports now."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event

import pytest

from app.testing import wait_until
from tests.production.guarded import (
    READ_TOKEN,
    Guarded,
    Server,
    skip_where_we_look_like_a_proxy,
)

BEARER = f"Authorization: Bearer {READ_TOKEN}"


def test_send_and_go_gains_nothing_even_when_the_server_is_late():
    """With the loop blocked until the client has closed, even our own user's request is refused."""
    guarded, gone = Guarded(), Event()

    async def late(scope, receive, send):
        gone.wait(10)
        await guarded.gate(scope, receive, send)

    with Server(guarded, app=late) as server:
        with server.connect() as connection:
            connection.sendall(server.plain("POST /production/x", "Content-Length: 0"))
        gone.set()
        wait_until(lambda: guarded.decisions, what="the decision")
    assert guarded.decisions[0].reason == "the connection has gone or is out of sight"


@pytest.mark.parametrize("body", [0, 200_000])
@pytest.mark.parametrize("http", ["h11", "httptools"])
def test_whoever_gets_the_port_of_a_client_that_has_gone_does_not_vouch_for_it(http, body):
    """While the loop is blocked a client resets, and the operator connects from the port it had."""
    guarded, taken, blocked = Guarded(), Event(), Event()

    async def late(scope, receive, send):
        if scope["path"] == "/block":
            blocked.set()
            taken.wait(10)
        await guarded.gate(scope, receive, send)

    with Server(guarded, app=late, http=http) as server, server.connect() as blocking:
        # Because a port that connect(2) chose may be shared with other connections, it is bound before.
        attacker = socket.create_connection(("127.0.0.1", server.port), source_address=("127.0.0.1", 0))
        attacker.sendall(server.plain("GET /accepted"))
        attacker.recv(65536)
        blocking.sendall(server.plain("GET /block"))
        blocked.wait(10)
        attacker.sendall(server.plain("POST /production/x", f"Content-Length: {body}") + b"x" * body)
        with operator_instead_of(attacker):
            taken.set()
            wait_until(lambda: guarded.decisions, what="the decision")
    assert guarded.decisions[0].reason == "the connection has gone or is out of sight"


@contextmanager
def operator_instead_of(client: socket.socket) -> Iterator[None]:
    """Resets a connection and makes another one between the same two ports."""
    here, there = client.getsockname(), client.getpeername()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    client.close()
    with socket.socket() as operator:
        operator.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        operator.bind(here)
        operator.connect(there)
        yield


def test_a_forged_client_address_without_its_header_is_refused():
    """Whoever takes the header away behind uvicorn's proxy headers: the connection itself is asked."""
    guarded = Guarded()

    async def stripped(scope, receive, send):
        headers = [(name, value) for name, value in scope["headers"] if name != b"x-forwarded-for"]
        await guarded.gate({**scope, "headers": headers}, receive, send)

    with Server(guarded, app=stripped) as server, server.connect() as operator:
        forged = f"X-Forwarded-For: 127.0.0.1:{operator.getsockname()[1]}"
        assert server.ask("GET /production/x", forged).status == 401
    assert server.last.reason == "the connection has gone or is out of sight"


def test_a_receive_that_is_wrapped_hides_the_connection():
    """Then the operator needs a token, as nothing can be told."""
    guarded = Guarded()

    async def wrapping(scope, receive, send):
        async def received():
            return await receive()

        await guarded.gate(scope, received, send)

    with Server(guarded, app=wrapping) as server:
        assert server.ask().status == 401
        assert server.ask("GET /production/x", BEARER).status == 200


def test_the_operator_passes_on_uvloop():
    """The event loop that uvicorn prefers keeps its sockets elsewhere."""
    pytest.importorskip("uvloop")
    skip_where_we_look_like_a_proxy()
    with Server(loop="uvloop") as server:
        assert server.ask().status == 200


def test_over_a_unix_socket_nobody_is_an_operator(tmp_path):
    """uvicorn opens the file of its socket to everybody, so that a token is needed."""
    with Server(uds=tmp_path / "socket") as server:
        assert server.ask().status == 401
        assert server.ask("GET /production/x", BEARER).status == 200
    assert server.guarded.decisions[0].reason == "the connection is not over loopback"
