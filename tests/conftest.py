"""What every test may use: a frozen clock, recorded signals, and one real PostgreSQL a test process."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import hypothesis
import pytest

from app.core.postgres import EmbeddedPostgres
from app.testing import FrozenClock, RecordingEmit

from .places import place_for

# Because the machine may be busy with something else, properties are not timed; a failure prints its blob.
hypothesis.settings.register_profile("untimed", deadline=None, print_blob=True)
hypothesis.settings.load_profile("untimed")


@pytest.fixture
def clock() -> FrozenClock:
    """A clock that stands at 2026-11-23 12:00 UTC."""
    return FrozenClock()


@pytest.fixture
def emit() -> RecordingEmit:
    """Keeps the signals that a page emits."""
    return RecordingEmit()


@pytest.fixture(scope="session")
def postgres() -> Iterator[EmbeddedPostgres]:
    """A running PostgreSQL with an empty database `atalaia`; shared by the tests of one process."""
    with place_for("pg") as folder:
        server = EmbeddedPostgres(folder, fsync=False)
        server.start()
        yield server
        server.stop()
        # Because the data move elsewhere when the server's account cannot get into the temporary folder.
        shutil.rmtree(server.data_folder.parent, ignore_errors=True)
