"""Who holds a row."""

from __future__ import annotations

import subprocess
import sys

from app.alerts.lease import is_alive, owner_name


def test_this_process_lives() -> None:
    """By its own name."""
    assert is_alive(owner_name())


def test_successor_by_number_is_another_process() -> None:
    """The same id with another birth is not the owner."""
    pid, _, born = owner_name().partition("-")
    assert not is_alive(f"{pid}-{int(born) + 1}")


def test_process_that_ended_is_dead() -> None:
    """Once nobody of that id is there."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    assert not is_alive(f"{process.pid}-1")


def test_nonsense_is_dead() -> None:
    """A row without a readable owner is taken back."""
    assert not is_alive("")
    assert not is_alive("x-1")
