"""A room in which time stands still."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.testing import FrozenClock

from .examples import Room


@pytest.fixture
def room(tmp_path: Path, clock: FrozenClock) -> Iterator[Room]:
    """One recording channel that takes everything."""
    opened = Room(tmp_path / "alerts", clock)
    yield opened
    opened.close()
