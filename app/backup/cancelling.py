"""A run is cancelled from any process: the wish is a file in the folder, and the run looks for it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from ..core.guard import guard
from .catalog import Catalog
from .client import Client
from .model import CalledOff

_LOOK_SECONDS = 0.25


@contextmanager
def cancellable(catalog: Catalog, backup_id: str, client: Client) -> Iterator[None]:
    """Until the block ends, the client is ended as soon as somebody wishes that run away."""
    over = threading.Event()

    def look() -> None:
        while not over.wait(_LOOK_SECONDS):
            with guard("backup.cancel"):
                if catalog.is_cancelled(backup_id):
                    client.end(CalledOff("it was cancelled", "The next one that is due waits for an hour."))
                    return

    looking = threading.Thread(target=look, name="atalaia-backup-cancel", daemon=True)
    looking.start()
    try:
        yield
    finally:
        over.set()
        looking.join()
