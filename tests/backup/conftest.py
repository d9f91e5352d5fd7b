"""The real server, for the tests of the backup room."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.core.postgres import EmbeddedPostgres

from ..places import place_for
from .drills import Yard
from .server import Server


@pytest.fixture
def server(postgres: EmbeddedPostgres) -> Iterator[Server]:
    """The server of this test process; what a test makes there is gone afterwards."""
    server = Server(postgres)
    yield server
    server.clean()


@pytest.fixture(scope="session")
def drill_place() -> Iterator[Path]:
    """A folder of scratch servers, in which also an unprivileged account gets along."""
    with place_for("drill") as place:
        yield place


@pytest.fixture
def yard(server: Server, tmp_path: Path, drill_place: Path) -> Iterator[Yard]:
    """A page that drills what it backs up."""
    yard = Yard(server, tmp_path, drill_place)
    yield yard
    yard.close()
