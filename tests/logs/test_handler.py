from __future__ import annotations

import logging
from pathlib import Path

from app.core.guard import failures
from app.logs.context import request_context
from app.logs.format import JsonLines
from app.logs.handler import drops_described
from app.services.production_logger import ProductionLogger

from .conftest import only_our_handler, records

log = logging.getLogger("app.orders")


def app_log(tmp_path: Path) -> list[dict[str, object]]:
    return records(tmp_path / "logs" / "app.log")


def test_an_error_is_in_two_files_with_a_number_in_each(page: ProductionLogger, tmp_path: Path):
    """Lines are numbered per file, so that a missing one shows in either."""
    log.info("one")
    log.error("two")
    assert [record["seq"] for record in app_log(tmp_path)] == [1, 2]
    assert [record["seq"] for record in records(tmp_path / "logs" / "errors.log")] == [1]


def test_the_context_of_the_caller_is_in_the_line(page: ProductionLogger, tmp_path: Path):
    """A record carries the request in which it was logged."""
    with request_context(request_id="r1"):
        log.info("inside")
    log.info("outside")
    assert [record.get("request_id") for record in app_log(tmp_path)] == ["r1", None]


def test_an_object_that_logs_itself_does_not_recurse(page: ProductionLogger, tmp_path: Path):
    """What is logged while a record is being formatted is kept too, three levels deep."""

    class Talkative:
        def __str__(self) -> str:
            log.info("shown: %s", self)
            return "talkative"

    before = failures.snapshot().get("logs.nested")
    with only_our_handler():
        log.info("%s", Talkative())
    assert [record["message"] for record in app_log(tmp_path)] == [
        "shown: talkative",
        "shown: talkative",
        "talkative",
    ]
    assert failures.snapshot()["logs.nested"].count == (before.count if before else 0) + 1


def test_filters_of_the_host_are_asked(page: ProductionLogger, tmp_path: Path):
    """A filter that a host has put on our handler keeps records out."""
    (ours,) = [
        handler for handler in logging.getLogger().handlers if type(handler).__name__ == "FilesHandler"
    ]
    ours.addFilter(lambda record: record.getMessage() != "no")
    log.info("no")
    log.info("yes")
    assert [record["message"] for record in app_log(tmp_path)] == ["yes"]


def test_drops_are_described_by_level():
    """The record of what was dropped is a WARNING with a count for each level."""
    line = drops_described(JsonLines())({logging.INFO: 3, logging.ERROR: 1})
    assert b'"level":"WARNING","logger":"atalaia.logs","message":"logs.dropped"' in line.head
    assert b'"dropped":{"INFO":3,"ERROR":1},"count":4' in line.tail
