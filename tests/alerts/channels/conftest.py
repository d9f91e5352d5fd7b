"""Servers with a script each, that end with the test."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from typing import TypeAlias

import pytest

from tests.alerts.servers import HttpServer, Script

Serve: TypeAlias = Callable[..., HttpServer]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Starts servers with a script each, and ends them."""
    servers: list[HttpServer] = []

    def start(*scripts: Script, trust: ssl.SSLContext | None = None) -> HttpServer:
        servers.append(HttpServer(*scripts, trust=trust))
        return servers[-1]

    yield start
    for server in servers:
        server.close()
