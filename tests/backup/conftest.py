"""The real server, for the tests of the backup room."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from app.core.postgres import EmbeddedPostgres

from .server import Server


@pytest.fixture
def server(postgres: EmbeddedPostgres) -> Iterator[Server]:
    """The server of this test process; what a test makes there is gone afterwards."""
    server = Server(postgres)
    yield server
    server.clean()
