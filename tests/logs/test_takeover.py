from __future__ import annotations

import logging
import subprocess
import sys
import threading
import warnings
from pathlib import Path
from typing import Any

import pytest

from app.logs.logger import DirectLogger
from app.logs.settings import LogSettings
from app.logs.takeover import take_over
from app.services.production_logger import ProductionLogger

from .conftest import records

CLASHING = {"name": 1, "message": 2, "fine": 3}


class OwnLogger(logging.Logger):
    """A class of the host's own."""


class Collecting(logging.Handler):
    """Keeps the records it is given."""

    def __init__(self) -> None:
        super().__init__()
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)


def nobody(error: BaseException, *, where: str) -> None:
    """Takes no notice of an unhandled exception."""


def state_of_logging() -> dict[str, Any]:
    """Everything that taking over changes."""
    names = ("", "uvicorn", "uvicorn.error", "uvicorn.access", "httpx", "security", "performance", "app.x")
    loggers = [logging.getLogger(name) for name in names]
    return {
        "loggers": [(logger.level, logger.propagate, logger.disabled, type(logger)) for logger in loggers],
        "handlers": list(logging.getLogger().handlers),
        "class": logging.getLoggerClass(),
        "hooks": (sys.excepthook, sys.unraisablehook, threading.excepthook, warnings.showwarning),
    }


def test_everything_is_given_back():
    """After closing, loggers, handlers, levels, classes, hooks and warnings are as they were."""
    before = state_of_logging()
    undo = take_over(Collecting(), "DEBUG", nobody)
    assert state_of_logging() != before
    undo.close()
    assert state_of_logging() == before


def test_handlers_of_the_host_stay():
    """What the host has set up on the root logger goes on getting records."""
    theirs, ours = Collecting(), Collecting()
    logging.getLogger().addHandler(theirs)
    with take_over(ours, "INFO", nobody):
        logging.getLogger("app").info("for both")
    logging.getLogger().removeHandler(theirs)
    assert theirs.records == ours.records != []


def test_servers_reach_the_files_and_their_access_lines_do_not():
    """uvicorn's loggers propagate even where its own configuration says no; uvicorn.access is silent."""
    ours, uvicorn = Collecting(), logging.getLogger("uvicorn")
    uvicorn.propagate = False
    with take_over(ours, "INFO", nobody):
        logging.getLogger("uvicorn.error").info("started")
        logging.getLogger("uvicorn.access").info("GET /")
    uvicorn.propagate = True
    assert [record.msg for record in ours.records] == ["started"]


def test_clients_that_log_whole_urls_are_quieted_unless_the_host_says_otherwise():
    """httpx logs from WARNING on; a level that the host has set itself stays."""
    httpx, httpcore = logging.getLogger("httpx"), logging.getLogger("httpcore")
    httpcore.setLevel(logging.DEBUG)
    with take_over(Collecting(), "DEBUG", nobody):
        assert (httpx.level, httpcore.level) == (logging.WARNING, logging.DEBUG)
    httpcore.setLevel(logging.NOTSET)


def test_specialised_loggers_are_not_silenced_by_a_high_level():
    """With LOG_LEVEL=ERROR, security and business events at INFO are still written."""
    with take_over(Collecting(), "ERROR", nobody):
        assert logging.getLogger("business").isEnabledFor(logging.INFO)
        assert not logging.getLogger("app.y").isEnabledFor(logging.WARNING)


@pytest.mark.parametrize("name", ["", "app.early", "app.late"])
def test_any_extra_is_admitted(name: str):
    """Names that a record has itself become extra_<name>, for loggers made before and afterwards."""
    logging.getLogger("app.early")
    ours = Collecting()
    with take_over(ours, "INFO", nobody):
        logging.getLogger(name).info("x", extra=dict(CLASHING))
        logging.getLogger(name).info("x", extra="no mapping")  # type: ignore[arg-type]
    first, second = (vars(record) for record in ours.records)
    assert (first["extra_name"], first["extra_message"], first["fine"]) == (1, 2, 3)
    assert second["extra"] == "no mapping"


def test_loggers_with_a_class_of_their_own_keep_it():
    """A host that has its own Logger class is left alone."""
    theirs = OwnLogger("theirs")
    logging.root.manager.loggerDict["theirs"] = theirs
    with take_over(Collecting(), "INFO", nobody):
        assert type(theirs) is OwnLogger
        assert type(logging.getLogger("app.z")) is DirectLogger
    del logging.root.manager.loggerDict["theirs"]


SCRIPT = """
import logging, sys, threading, warnings
from pathlib import Path
from app.core.clock import SystemClock
from app.logs.settings import LogSettings
from app.services.production_logger import ProductionLogger

class Dying:
    def __del__(self):
        raise KeyError("finalizer")

def fail():
    raise ValueError("in a thread")

ProductionLogger(LogSettings(), Path(sys.argv[1]), SystemClock(), print).start()
thread = threading.Thread(target=fail, name="worker")
thread.start()
thread.join()
Dying()
warnings.warn("old way", stacklevel=1)
raise RuntimeError("in main")
"""


def test_what_nobody_caught_is_recorded_and_signalled(tmp_path: Path):
    """Exceptions of threads, finalizers and the main thread and warnings are in the files; hooks go on."""
    command = [sys.executable, "-c", SCRIPT, str(tmp_path)]
    script = subprocess.run(command, capture_output=True, text=True, check=False)
    errors = records(tmp_path / "errors.log")
    assert [(record["exception"]["type"], record["where"]) for record in errors] == [
        ("ValueError", "thread worker"),
        ("KeyError", "finalizer or callback"),
        ("RuntimeError", "main thread"),
    ]
    assert script.stdout.count("unhandled_exception") == 3
    assert "RuntimeError: in main" in script.stderr
    assert any("old way" in record["message"] for record in records(tmp_path / "app.log"))


def test_leaving_a_process_is_no_unhandled_exception(tmp_path: Path):
    """sys.exit() is not recorded."""
    script = SCRIPT.partition("thread =")[0] + "sys.exit(3)"
    command = [sys.executable, "-c", script, str(tmp_path)]
    assert subprocess.run(command, capture_output=True, check=False).returncode == 3
    assert records(tmp_path / "errors.log") == []


def test_the_level_is_the_root_loggers(page: ProductionLogger):
    """LOG_LEVEL decides what of the application is written at all."""
    assert logging.getLogger().level == logging.DEBUG
    assert LogSettings().level == "INFO"
