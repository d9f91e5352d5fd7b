"""The pages that a command works on, and who gives it."""

from __future__ import annotations

import getpass
import os

from ..operation.serve import with_running_database
from ..settings import load
from ..wiring import Tower


def tower() -> Tower:
    """The pages, for reading."""
    return Tower(with_running_database(load()))


def open_tower() -> Tower:
    """The pages with their journals open, for writing."""
    found = tower()
    found.open()
    return found


def operator() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid:{os.getuid()}"  # Because in a container a user may have no name.
