"""What a log call costs its caller, side by side: `python -m tests.benchmarks.bench_logging [rounds]`.

CPU time of the calling thread, contenders interleaved within each round, ratios taken within a round,
then the median over rounds: other work on the machine moves absolute figures, and ratios little.
"""

from __future__ import annotations

import logging
import logging.handlers
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
from pythonjsonlogger.msgspec import MsgspecFormatter

from app.core.clock import SystemClock
from app.logs.context import RequestContext, resume
from app.logs.files import FileSink, Room
from app.logs.format import JsonLines
from app.logs.handler import FilesHandler, drops_described
from app.logs.rotation import Rotation
from app.logs.settings import LogSettings
from app.logs.streams import FILES
from app.logs.takeover import SafeLogger

CALLS = 2_000
EXTRA = {"order": 7, "amount": "120.50", "channel": "whatsapp", "state": "paid"}
CONTEXT = {
    "request_id": "8f2a1c3b4d-1f",
    "user_id": "u-42",
    "session_id": "s-1",
    "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
}

Call = Callable[[], object]


def floor(folder: Path) -> Call:
    """One dict through msgspec and one write of it: the least that such a line can cost."""
    descriptor = os.open(folder / "floor.log", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    encode = msgspec.json.Encoder().encode
    place = {"module": "orders", "function": "pay", "line": 17}

    def call() -> None:
        micros = int(time.time() % 1 * 1_000_000)
        head = {"timestamp": f"2026-11-23T02:00:00.{micros:06d}Z", "level": "INFO", "logger": "app.orders"}
        message = {"message": "paid order 7", **CONTEXT, "pid": 4_242, "seq": 1}
        os.write(descriptor, encode({**head, **message, **place, **EXTRA}) + b"\n")

    return call


def stdlib_logger(folder: Path) -> logging.Logger:
    """python-json-logger's msgspec formatter on the standard library's rotating handler."""
    handler = logging.handlers.RotatingFileHandler(
        folder / "stdlib.log", maxBytes=LogSettings().max_bytes, backupCount=10
    )
    names = ["asctime", "levelname", "name", "message", "process", "module", "funcName", "lineno"]
    handler.setFormatter(MsgspecFormatter(names))
    handler.addFilter(lambda record: record.__dict__.update(CONTEXT) is None)
    return logger_with(handler, logging.Logger("app.orders"))  # noqa: LOG001 because it must not be in the tree


def our_logger(folder: Path, *, redact: bool) -> logging.Logger:
    """The handler of app/logs, as the page puts it together."""
    formatter, room, settings = JsonLines(redact=redact), Room(), LogSettings()
    folder = folder / str(redact)
    sinks = {}
    for name in FILES:
        path = folder / f"{name}.log"
        rotation = Rotation(path, settings.max_bytes, settings.keep_files, SystemClock())
        sinks[name] = FileSink(path, rotation, room, drops_described(formatter))
    return logger_with(FilesHandler(formatter, sinks), SafeLogger("app.orders"))


def logger_with(handler: logging.Handler, logger: logging.Logger) -> logging.Logger:
    """A logger outside of the tree, whose only handler is this one."""
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    return logger


def info(logger: logging.Logger) -> Call:
    return lambda: logger.info("paid order 7", extra=EXTRA)


def debug(logger: logging.Logger) -> Call:
    return lambda: logger.debug("paid order 7", extra=EXTRA)


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


def microseconds(call: Call, calls: int) -> float:
    began = time.thread_time()
    for _ in range(calls):
        call()
    return (time.thread_time() - began) / calls * 1_000_000


def main(rounds: int) -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        stdlib, ours = stdlib_logger(folder), our_logger(folder, redact=True)
        contenders = {
            "floor: msgspec dict + write": floor(folder),
            "python-json-logger + RotatingFileHandler": info(stdlib),
            "ours": info(ours),
            "ours, LOG_REDACT=false": info(our_logger(folder, redact=False)),
            "exception: python-json-logger": error(stdlib),
            "exception: ours (two files)": error(ours),
            "debug, switched off: stdlib": debug(stdlib),
            "debug, switched off: ours": debug(ours),
        }
        resume(RequestContext(CONTEXT))
        for call in contenders.values():
            microseconds(call, 200)
        table = [
            {name: microseconds(call, CALLS) for name, call in contenders.items()} for _ in range(rounds)
        ]
    print_table(table)


def print_table(table: list[dict[str, float]]) -> None:
    base, other = list(table[0])[:2]
    print(f"{'median of ' + str(len(table)) + ' rounds':42} {'us':>8} {'x floor':>8} {'x pjl':>8}")
    for name in table[0]:
        against = [
            statistics.median(values)
            for values in (
                [round_[name] for round_ in table],
                [round_[name] / round_[base] for round_ in table],
                [round_[name] / round_[other] for round_ in table],
            )
        ]
        print(f"{name:42} {against[0]:8.2f} {against[1]:8.2f} {against[2]:8.2f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 7)
