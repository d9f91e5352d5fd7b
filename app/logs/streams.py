"""Which record goes into which file, and what becomes of other people's loggers."""

from __future__ import annotations

import logging
from functools import lru_cache

FILES = ("app", "errors", "security", "performance", "business", "webhook")
"""The names of the log files, each <name>.log."""

SPECIALISED = frozenset(("security", "performance", "business", "webhook"))
"""Loggers that, with their children, have a file of their own and stay out of app.log."""

PROPAGATED = ("uvicorn", "uvicorn.error")
"""Loggers that keep their own handlers and reach our files too."""

SILENCED = ("uvicorn.access",)
"""Loggers that our access line replaces."""

QUIETED = {"httpx": logging.WARNING, "httpcore": logging.WARNING}
"""Lowest level of loggers that write whole URLs, with the secrets in them, at INFO."""


@lru_cache(maxsize=4096)
def files_for(logger: str, level: int) -> tuple[str, ...]:
    """The names of the files that a record of this logger and level is written to."""
    top = logger.partition(".")[0]
    own = top if top in SPECIALISED else "app"
    return (own, "errors") if level >= logging.ERROR else (own,)
