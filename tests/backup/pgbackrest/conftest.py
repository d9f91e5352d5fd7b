"""The server whose log is archived, for the tests of the engine that drives pgBackRest."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from .plant import PROGRAM, SERVERS, Plant

_ROOM_BYTES = 2 << 30


def quick_place() -> str:
    """Memory, where there is room: pgBackRest syncs each of a thousand files."""
    memory = Path("/dev/shm")
    return str(memory) if memory.exists() and shutil.disk_usage(memory).free > _ROOM_BYTES else "/tmp"


@pytest.fixture(scope="module")
def plant() -> Iterator[Plant]:
    """A server, its repository, and the page that backs it up; gone afterwards."""
    if PROGRAM is None:
        pytest.skip("the program pgbackrest is not installed")
    if not SERVERS:
        pytest.skip("there is no PostgreSQL server that pgbackrest knows")
    folder = Path(tempfile.mkdtemp(prefix="atalaia-plant-", dir=quick_place()))
    folder.chmod(0o711)
    plant = Plant(folder / "p")
    yield plant
    plant.close()
