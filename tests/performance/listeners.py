"""Servers on loopback that misbehave: one that says nothing, and one that says what it is told to."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

Serve = Callable[[socket.socket], None]


@contextmanager
def listener(serve: Serve, tls: ssl.SSLContext | None = None) -> Iterator[int]:
    """A TCP server that hands each connection to `serve` in a thread of its own; yields its port."""
    ended = threading.Event()
    threads: list[threading.Thread] = []

    def attend(connection: socket.socket) -> None:
        with suppress(OSError), connection:
            if tls is not None:
                with tls.wrap_socket(connection, server_side=True) as secure:
                    serve(secure)
            else:
                serve(connection)
            ended.wait()

    def accept(server: socket.socket) -> None:
        while not ended.is_set():
            with suppress(TimeoutError):
                connection, _ = server.accept()
                threads.append(threading.Thread(target=attend, args=(connection,)))
                threads[-1].start()

    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.05)
        threads.append(threading.Thread(target=accept, args=(server,)))
        threads[0].start()
        try:
            yield server.getsockname()[1]
        finally:
            ended.set()
            for thread in threads:
                thread.join()


def silent(_connection: socket.socket) -> None:
    """Accept and say nothing, as a black hole behind a proxy does."""


def answering(answer: bytes) -> Serve:
    """Read the head of a request and say `answer`, then nothing more."""

    def serve(connection: socket.socket) -> None:
        connection.recv(65_536)
        connection.sendall(answer)

    return serve


def dripping(head: bytes, ended: threading.Event) -> Serve:
    """Say `head`, and then one byte each 20 ms until the test has ended."""

    def serve(connection: socket.socket) -> None:
        connection.sendall(head)
        while not ended.wait(0.02):
            connection.sendall(b"x")

    return serve


def unused_port() -> int:
    """A port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port
