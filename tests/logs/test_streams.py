from __future__ import annotations

import logging

import pytest

from app.logs.streams import files_for


@pytest.mark.parametrize(
    ("logger", "level", "files"),
    [
        ("app.orders", logging.INFO, ("app",)),
        ("root", logging.ERROR, ("app", "errors")),
        ("security", logging.WARNING, ("security",)),
        ("webhook.whatsapp", logging.CRITICAL, ("webhook", "errors")),
        ("performance", logging.DEBUG, ("performance",)),
        ("business.leads", logging.INFO, ("business",)),
        ("securityish", logging.INFO, ("app",)),
    ],
)
def test_records_go_where_their_logger_and_level_say(logger: str, level: int, files: tuple[str, ...]):
    """Specialised loggers and their children have their own file; errors are in errors.log as well."""
    assert files_for(logger, level) == files
