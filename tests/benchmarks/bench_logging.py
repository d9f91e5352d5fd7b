"""What a log call costs its caller, side by side: `python -m tests.benchmarks.bench_logging [rounds]`.

CPU time of the calling thread, contenders interleaved within each round, ratios taken within a round, then
the median over rounds: other work on the machine moves absolute figures, and ratios little. Each call has
another message and other values, so that nothing can be remembered. The last column is the CPU of the whole
process until the lines are in the file, x floor: what other threads do later is in it.
"""

from __future__ import annotations

import itertools
import logging
import logging.handlers
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import loguru
import msgspec
import picologging
import structlog
from picologging.handlers import RotatingFileHandler
from pythonjsonlogger.msgspec import MsgspecFormatter
from structlog.processors import CallsiteParameter, CallsiteParameterAdder

from app.core.clock import SystemClock
from app.logs.context import RequestContext, resume
from app.logs.format import JsonLines
from app.logs.handler import FilesHandler
from app.logs.logger import DirectLogger
from app.logs.settings import LogSettings
from app.logs.streams import FILES
from app.services.production_logger import ProductionLogger
from app.testing import RecordingEmit

CALLS = 2_000
CONTEXT = {
    "request_id": "8f2a1c3b4d-1f",
    "user_id": "u-42",
    "session_id": "s-1",
    "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
}
PLACE = {"module": "orders", "function": "pay", "line": 17}
FLOOR, PJL = "floor: msgspec dict + one write", "python-json-logger + RotatingFileHandler"

Call = Callable[[], object]
numbers = itertools.count(1_000)


class Cost(NamedTuple):
    """Microseconds of CPU a call: of its thread, and of the process until the line is in the file."""

    caller: float
    process: float


class ForeignLogger(logging.Logger):
    """A class of somebody else's, which we leave alone."""


class Nowhere:
    """A sink that forgets: what is left is the line."""

    def write(self, head: bytes, tail: bytes, level: int) -> None: ...
    def retry(self) -> None: ...
    def close(self) -> None: ...


def extra(number: int) -> dict[str, Any]:
    return {"order": number, "amount": f"{number}.50", "channel": "whatsapp", "state": "paid"}


def floor(folder: Path) -> Call:
    """One dict through msgspec and one write of it: the least that such a line can cost."""
    descriptor = os.open(folder / "floor.log", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    encode = msgspec.json.Encoder().encode

    def call() -> None:
        number, micros = next(numbers), int(time.time() % 1 * 1_000_000)
        head = {"timestamp": f"2026-11-23T02:00:00.{micros:06d}Z", "level": "INFO", "logger": "app.orders"}
        message = {"message": f"paid order {number}", **CONTEXT, "pid": 4_242, "seq": number}
        os.write(descriptor, encode({**head, **message, **PLACE, **extra(number)}) + b"\n")

    return call


def stdlib_logger(folder: Path) -> logging.Logger:
    """python-json-logger's msgspec formatter on the standard library's rotating handler."""
    size = LogSettings().max_bytes
    handler = logging.handlers.RotatingFileHandler(folder / "stdlib.log", maxBytes=size, backupCount=10)
    names = ["asctime", "levelname", "name", "message", "process", "module", "funcName", "lineno"]
    handler.setFormatter(MsgspecFormatter(names))
    handler.addFilter(lambda record: record.__dict__.update(CONTEXT) is None)
    return logger_with(handler, logging.Logger("app.orders"))  # noqa: LOG001 because it must not be in the tree


def logger_with(handler: logging.Handler, logger: logging.Logger) -> logging.Logger:
    """A logger outside of the tree, whose only handler is this one."""
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    return logger


def structlogger(folder: Path) -> Call:
    """structlog as its page on performance asks for, with the place of the call."""
    place = CallsiteParameterAdder(
        [CallsiteParameter.MODULE, CallsiteParameter.FUNC_NAME, CallsiteParameter.LINENO]
    )
    logger = structlog.wrap_logger(
        structlog.BytesLogger((folder / "structlog.log").open("ab")),
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            place,
            structlog.processors.JSONRenderer(serializer=lambda value, **_: msgspec.json.encode(value)),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        cache_logger_on_first_use=True,
    ).bind(logger="app.orders", pid=4_242, **CONTEXT)

    def call() -> None:
        number = next(numbers)
        logger.info("paid order %d", number, **extra(number))

    return call


def loguru_logger(folder: Path) -> Call:
    """loguru with its own JSON and rotation."""
    loguru.logger.remove()
    loguru.logger.add(folder / "loguru.log", serialize=True, rotation="50 MB", format="{message}")
    logger = loguru.logger.bind(**CONTEXT)

    def call() -> None:
        number = next(numbers)
        logger.bind(**extra(number)).info("paid order {}", number)

    return call


def picologger(folder: Path) -> Call:
    """picologging with msgspec and rotation; it drops `extra`, so that its formatter adds four constants."""
    encode = msgspec.json.Encoder().encode
    constants = {**CONTEXT, **extra(7)}

    class Formatter(picologging.Formatter):
        def format(self, record: Any) -> str:
            place = {"module": record.module, "function": record.funcName, "line": record.lineno}
            message = {"level": record.levelname, "logger": record.name, "message": record.getMessage()}
            return encode({"timestamp": record.created, **message, **place, **constants}).decode()

    size = LogSettings().max_bytes
    handler = RotatingFileHandler(str(folder / "picologging.log"), maxBytes=size, backupCount=10)
    handler.setFormatter(Formatter())
    logger = picologging.Logger("app.orders", picologging.INFO)
    logger.addHandler(handler)
    return lambda: logger.info("paid order %d", next(numbers))


def info(logger: logging.Logger) -> Call:
    def call() -> None:
        number = next(numbers)
        logger.info("paid order %d", number, extra=extra(number))

    return call


def nested(logger: logging.Logger) -> Call:
    def call() -> None:
        number = next(numbers)
        logger.info("paid order %d", number, extra={"order": number, "items": [{"sku": "a", "count": 2}]})

    return call


def debug(logger: logging.Logger) -> Call:
    return lambda: logger.debug("paid order %d", 7)


def error(logger: logging.Logger) -> Call:
    def frames(depth: int) -> None:
        if depth == 0:
            raise ValueError("no such order")
        frames(depth - 1)

    def call() -> None:
        try:
            frames(5)
        except ValueError:
            logger.exception("cannot pay")

    return call


@contextmanager
def ours(folder: Path, name: str, settings: LogSettings) -> Iterator[tuple[ProductionLogger, logging.Logger]]:
    """A started page, which has the process to itself, and a logger of the application."""
    page = ProductionLogger(settings, folder / name, SystemClock(), RecordingEmit())
    page.start()
    try:
        yield page, logging.getLogger("app.orders")
    finally:
        page.stop()


def cost(call: Call, calls: int, settle: Callable[[], object]) -> Cost:
    whole, began = time.process_time(), time.thread_time()
    for _ in range(calls):
        call()
    caller = time.thread_time() - began
    settle()
    return Cost(caller / calls * 1e6, (time.process_time() - whole) / calls * 1e6)


def contenders(folder: Path, logger: logging.Logger) -> dict[str, Call]:
    stdlib = stdlib_logger(folder)
    foreign = ForeignLogger("other.orders", logging.INFO)
    foreign.parent = logging.getLogger()
    forgetful = FilesHandler(JsonLines(), dict.fromkeys(FILES, Nowhere()))  # type: ignore[arg-type]
    plain = FilesHandler(JsonLines(None), dict.fromkeys(FILES, Nowhere()))  # type: ignore[arg-type]
    return {
        FLOOR: floor(folder),
        PJL: info(stdlib),
        "structlog, tuned": structlogger(folder),
        "loguru, serialize=True": loguru_logger(folder),
        "picologging, msgspec, rotation (no extra)": picologger(folder),
        "ours: application logger": info(logger),
        "  of it, without the write": info(logger_with(forgetful, DirectLogger("app.orders"))),
        "  of it, without write and redaction": info(logger_with(plain, DirectLogger("app.orders"))),
        "ours: with a list of dicts as extra": nested(logger),
        "ours: a foreign logger, by the handler": info(foreign),
        "exception of 7 frames: python-json-logger": error(stdlib),
        "exception of 7 frames: ours, two files": error(logger),
        "debug, switched off: stdlib": debug(stdlib),
        "debug, switched off: ours": debug(logger),
    }


def main(rounds: int) -> None:
    """Print the table."""
    root = logging.getLogger()
    with tempfile.TemporaryDirectory() as name, ours(Path(name), "ours", LogSettings()) as (page, logger):
        root.handlers[:] = [handler for handler in root.handlers if isinstance(handler, FilesHandler)]
        calls, settle = contenders(Path(name), logger), partial(page._drainer.flush, 10)
        resume(RequestContext(CONTEXT))
        for call in calls.values():
            cost(call, 200, settle)
        table = [{name: cost(call, CALLS, settle) for name, call in calls.items()} for _ in range(rounds)]
    print_table(table)


def print_table(table: list[Mapping[str, Cost]]) -> None:
    titles = f"{'us':>8} {'x floor':>8} {'x pjl':>8} {'process':>8}"
    print(f"{f'median of {len(table)} rounds':42} {titles}")
    for name in table[0]:
        figures = (
            [round_[name].caller for round_ in table],
            [round_[name].caller / round_[FLOOR].caller for round_ in table],
            [round_[name].caller / round_[PJL].caller for round_ in table],
            [round_[name].process / round_[FLOOR].process for round_ in table],
        )
        print(f"{name:42} " + " ".join(f"{statistics.median(values):8.2f}" for values in figures))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 7)
