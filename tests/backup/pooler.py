"""A port in front of the tests' server that numbers sessions anew, as pgbouncer does."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from socketserver import BaseRequestHandler, ThreadingTCPServer
from urllib.parse import parse_qs, urlsplit

_KEY_DATA = b"K\x00\x00\x00\x0c"


@contextmanager
def pooled(url: str, number: int) -> Iterator[str]:
    """The URL that leads to the same database through such a port, which gives each session that number."""
    renumbered = number.to_bytes(4, "big", signed=True)
    parts = urlsplit(url)
    (folder,) = parse_qs(parts.query)["host"]

    class Handler(BaseRequestHandler):
        def handle(self) -> None:
            with socket.socket(socket.AF_UNIX) as server:
                server.connect(f"{folder}/.s.PGSQL.5432")
                back = threading.Thread(target=_relay, args=(server, self.request, renumbered))
                back.start()
                _relay(self.request, server, b"")
                back.join()

    with ThreadingTCPServer(("127.0.0.1", 0), Handler) as listening:
        thread = threading.Thread(target=listening.serve_forever)
        thread.start()
        yield parts._replace(netloc=f"atalaia@127.0.0.1:{listening.server_address[1]}", query="").geturl()
        listening.shutdown()
        thread.join()


def _relay(source: socket.socket, sink: socket.socket, number: bytes) -> None:
    with suppress(OSError):
        while data := source.recv(65_536):
            at = data.find(_KEY_DATA) if number else -1
            if at >= 0:
                data = data[: at + 5] + number + data[at + 9 :]
            sink.sendall(data)
        sink.shutdown(socket.SHUT_RDWR)
