from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from app.services.production_logger import ProductionLogger

from .conftest import only_our_handler, records
from .hostile import HOSTILE, log

HARMFUL = set("\x1b\x07\x7f\x85\x9b\u202e\u2066\u2069\u200f\u2028\u2029\ufeff\x00")


@contextmanager
def seen_by_another_handler() -> Iterator[None]:
    """With a second handler on the root logger, so that each call has to make a record."""
    other = logging.NullHandler()
    logging.getLogger().addHandler(other)
    try:
        yield
    finally:
        logging.getLogger().removeHandler(other)


def said(case: str, app_log: Path) -> dict[str, Any]:
    """The record that a hostile call leaves."""
    before = len(records(app_log)) if app_log.exists() else 0
    args, kwargs = HOSTILE[case]
    log.info(*args, **kwargs)
    (record,) = [record for record in records(app_log)[before:] if "nested" not in record]
    return record


@pytest.mark.parametrize("case", HOSTILE)
def test_no_value_loses_raises_or_spoofs(case: str, page: ProductionLogger, tmp_path: Path):
    """Whatever is logged becomes one line of strict JSON with its own level, logger and place: the same
    line whether a record was made for it or not."""
    app_log = tmp_path / "logs" / "app.log"
    with only_our_handler():
        direct = said(case, app_log)
        with seen_by_another_handler():
            made = said(case, app_log)
    for record in (direct, made):
        assert record.pop("timestamp")
        assert record.pop("seq")
        assert (record["level"], record["logger"], record["function"]) == ("INFO", "app.hostile", "said")
        assert "request_id" not in record
    if case not in CHANGE_WHEN_READ:
        assert direct == made
    raw = app_log.read_bytes()
    assert len(raw) < 600_000
    assert not set(raw.decode()) & HARMFUL


CHANGE_WHEN_READ = ("a dict that grows", "a stack")


def test_the_table_is_long():
    """Eighty cases and more."""
    assert len(HOSTILE) >= 80
