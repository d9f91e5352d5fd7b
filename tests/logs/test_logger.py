from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from app.logs.format import JsonLines
from app.logs.handler import FilesHandler
from app.logs.logger import DirectLogger
from app.logs.streams import FILES
from app.services.production_logger import ProductionLogger, request_context

from .conftest import only_our_handler, records
from .kept import Kept

RECORDS_MADE: list[logging.LogRecord] = []


class Noticed(logging.LogRecord):
    """A record that tells of its making."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        RECORDS_MADE.append(self)


@pytest.fixture
def kept() -> Kept:
    """Where the lines go."""
    return Kept()


@pytest.fixture
def log(kept: Kept) -> Iterator[logging.Logger]:
    """A logger whose only handler is ours."""
    logging.setLoggerClass(DirectLogger)
    logger = logging.getLogger("tests.direct")
    logging.setLoggerClass(logging.Logger)
    logger.propagate = False
    logger.setLevel(logging.INFO)
    logger.addHandler(FilesHandler(JsonLines(), dict.fromkeys(FILES, kept)))  # type: ignore[arg-type]
    yield logger
    logging.Logger.manager.loggerDict.pop(logger.name)


@pytest.fixture
def records_made() -> Iterator[list[logging.LogRecord]]:
    """The records that are made, by a factory like OpenTelemetry's."""
    RECORDS_MADE.clear()
    logging.setLogRecordFactory(Noticed)
    yield RECORDS_MADE
    logging.setLogRecordFactory(logging.LogRecord)


def place(record: dict[str, Any]) -> tuple[str, str]:
    return record["module"], record["function"]


def through_a_wrapper(log: logging.Logger, level: int) -> None:
    log.info("wrapped", stacklevel=level)


def test_the_place_is_the_callers(log: logging.Logger, kept: Kept):
    """Every way of calling names the function that called."""
    log.info("info")
    log.debug("not enabled")
    log.warning("warning")
    log.error("error")
    log.log(logging.INFO, "log")
    log._log(logging.INFO, "private", ())
    logging.LoggerAdapter(log, {"order": 7}).info("adapted")
    through_a_wrapper(log, 2)
    assert {place(record) for record in kept.records} == {("test_logger", "test_the_place_is_the_callers")}
    assert len(kept.records) == 8  # because an error is in two files


def test_a_wrapper_is_the_caller_unless_it_says_otherwise(log: logging.Logger, kept: Kept):
    """stacklevel counts frames as the standard library does."""
    through_a_wrapper(log, 1)
    assert place(kept.records[0])[1] == "through_a_wrapper"


def test_a_line_is_the_same_without_a_record(log: logging.Logger, kept: Kept):
    """A second handler changes the way and not the line."""
    for others in ([], [logging.NullHandler()]):
        log.handlers[1:] = others
        with request_context(request_id="r1", shop="sp"):
            log.info("paid %s of %d", "order", 7, extra={"amount": 1.5, "list": [{"a": None}], "name_": "é"})
    first, second = ({**record, "timestamp": ""} for record in kept.records)
    assert first == second
    assert (first["message"], first["request_id"], first["shop"]) == ("paid order of 7", "r1", "sp")


@pytest.mark.usefixtures("records_made")
def test_a_record_factory_is_used(log: logging.Logger, kept: Kept):
    """Where somebody has set a record factory, it makes the record."""
    log.info("x")
    assert len(RECORDS_MADE) == len(kept.records) == 1


def test_filters_are_asked(log: logging.Logger, kept: Kept):
    """A filter of the logger or of the handler may add to a record and refuse it."""
    log.addFilter(lambda record: setattr(record, "shop", "sp") or record.msg != "no")
    log.info("no")
    log.info("yes")
    log.filters.clear()
    log.handlers[0].addFilter(lambda record: record.msg != "no")
    log.info("no")
    assert [record["shop"] for record in kept.records] == ["sp"]


def test_a_patched_method_is_called(log: logging.Logger, kept: Kept, monkeypatch: pytest.MonkeyPatch):
    """What Sentry puts in place of Logger.callHandlers sees every record."""
    seen: list[str] = []
    original = logging.Logger.callHandlers

    def patched(self: logging.Logger, record: logging.LogRecord) -> None:
        seen.append(record.getMessage())
        original(self, record)

    monkeypatch.setattr(logging.Logger, "callHandlers", patched)
    log.info("seen %d", 1)
    assert seen == [record["message"] for record in kept.records] == ["seen 1"]


def test_levels_and_switches_are_the_standard_librarys(log: logging.Logger, kept: Kept):
    """Levels, disabled loggers, logging.disable() and the handler's own level keep records out."""
    log.debug("too low")
    log.setLevel(logging.DEBUG)
    log.debug("kept")
    log.disabled = True
    log.info("disabled")
    log._log(logging.INFO, "disabled too", ())
    log.disabled = False
    logging.disable(logging.INFO)
    log.info("switched off")
    logging.disable(logging.NOTSET)
    log.handlers[0].setLevel(logging.WARNING)
    log.info("below the handler's level")
    assert [record["message"] for record in kept.records] == ["kept"]


def test_names_of_levels_may_change(log: logging.Logger, kept: Kept):
    """A level is told by the name that it has at the moment."""
    log.log(25, "before")
    logging.addLevelName(25, "NOTICE")
    log.log(25, "after")
    logging.addLevelName(25, "Level 25")
    assert [record["level"] for record in kept.records] == ["Level 25", "NOTICE"]


def test_an_unknown_parameter_is_the_callers_mistake(log: logging.Logger):
    """The calls take what the standard library's take."""
    with pytest.raises(TypeError):
        log.info("x", order=7)  # type: ignore[call-arg]


def test_loggers_made_before_and_after_are_direct(page: ProductionLogger, tmp_path: Path):
    """A plain logger is adopted at start, and the root logger too."""
    with only_our_handler():
        logging.getLogger("app.direct").info("child")
        logging.info("root")  # noqa: LOG015 because that is what is tested
    assert isinstance(logging.getLogger("app.direct"), DirectLogger)
    found = records(tmp_path / "logs" / "app.log")
    assert [(record["logger"], place(record)[0]) for record in found] == [
        ("app.direct", "test_logger"),
        ("root", "test_logger"),
    ]


def test_requests_tasks_and_threads_keep_their_context(log: logging.Logger, kept: Kept):
    """Of tasks, threads and executors that log at once, each line has its own context."""

    def in_thread(number: int) -> None:
        with request_context(request_id=f"t{number}"):
            log.info("t%d", number)
        log.info("outside")

    async def in_task(number: int) -> None:
        with request_context(request_id=f"a{number}"):
            await asyncio.sleep(0)
            await asyncio.to_thread(log.info, "a%d", number)

    async def everything() -> None:
        await asyncio.gather(*map(in_task, range(50)))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(in_thread, range(200)))
    asyncio.run(everything())
    assert all(record.get("request_id", "outside") == record["message"] for record in kept.records)
    assert len(kept.records) == 450
