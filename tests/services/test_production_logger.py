from __future__ import annotations

import asyncio
import json
import logging
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest.mock import ANY

import pytest

from app.core.errors import InputRejected
from app.core.health import Level
from app.core.measure import Sample
from app.core.signal import Category, Severity
from app.logs.settings import LogSettings
from app.logs.streams import FILES
from app.services.production_logger import ProductionLogger, bind, request_context
from app.testing import FrozenClock, RecordingEmit, wait_until
from tests.logs.conftest import spooled


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "logs"


@pytest.fixture
def page(folder: Path, clock: FrozenClock, emit: RecordingEmit) -> Iterator[ProductionLogger]:
    """A started logs page."""
    page = ProductionLogger(LogSettings(), folder, clock, emit)
    page.start()
    yield page
    page.stop()


def records(folder: Path, name: str) -> list[dict[str, Any]]:
    """The records of one of the files, oldest first, when all of them are there."""
    wait_until(lambda: not spooled(folder / f"{name}.log"), what="an empty spool")
    return [json.loads(line) for line in (folder / f"{name}.log").read_text().splitlines()]


def serve(page: ProductionLogger, *, request_id: str | None = None, status: int = 200) -> None:
    """One request, begun and ended."""
    context = page.begin_request(request_id, None)
    page.end_request(
        context,
        method="GET",
        route="/orders/{id}",
        path="/orders/7",
        status=status,
        duration_ms=1.23456,
        bytes=17,
        client="127.0.0.1",
    )


def caught() -> ValueError:
    """An exception with a traceback and personal data in its message."""
    try:
        int("maria@example.com")
    except ValueError as error:
        return error


def make_unwritable(folder: Path) -> None:
    """Put a folder in the place of app.log."""
    (folder / "app.log").unlink()
    (folder / "app.log").mkdir()


def test_every_file_is_there_from_the_start(page: ProductionLogger, folder: Path):
    """`tail -f` finds all six files before the first record."""
    assert {path.name for path in folder.glob("*.log")} == {f"{name}.log" for name in FILES}


def test_starting_and_stopping_twice_changes_nothing(page: ProductionLogger, folder: Path):
    """A second start does not write lines twice, and a second stop does nothing."""
    page.start()
    logging.getLogger("app").info("once")
    page.stop()
    page.stop()
    logging.getLogger("app").warning("too late")
    assert [record["message"] for record in records(folder, "app")] == ["once"]


def test_a_page_can_be_started_again(page: ProductionLogger, folder: Path):
    """After a stop a start takes over as before."""
    page.stop()
    page.start()
    logging.getLogger("app").info("again")
    assert [record["message"] for record in records(folder, "app")] == ["again"]


def test_a_request_leaves_one_access_line(page: ProductionLogger, folder: Path):
    """Method, route, path, status, duration, size and client, with the request's own id."""
    serve(page, request_id="r1")
    (line,) = records(folder, "app")
    assert (
        line
        | {
            "logger": "atalaia.access",
            "level": "INFO",
            "message": "GET /orders/{id} 200",
            "request_id": "r1",
            "method": "GET",
            "route": "/orders/{id}",
            "path": "/orders/7",
            "status": 200,
            "duration_ms": 1.235,
            "bytes": 17,
            "client": "127.0.0.1",
        }
        == line
    )


def test_a_failed_request_is_a_warning_and_no_second_error(page: ProductionLogger, folder: Path):
    """The access line of a 5xx is in app.log only: errors.log has the error itself."""
    serve(page, status=500)
    assert records(folder, "app")[0]["level"] == "WARNING"
    assert records(folder, "errors") == []


def test_a_request_has_its_own_context(page: ProductionLogger, folder: Path):
    """What is bound in a request is in its records and in its access line, and not in the next request."""
    context = page.begin_request("r1", None)
    bind(user_id="u1")
    logging.getLogger("app").info("inside")
    page.end_request(
        context, method="GET", route="/", path="/", status=200, duration_ms=1, bytes=0, client=None
    )
    serve(page, request_id="r2")
    assert [(record["request_id"], record.get("user_id")) for record in records(folder, "app")] == [
        ("r1", "u1"),
        ("r1", "u1"),
        ("r2", None),
    ]


def test_interleaved_requests_keep_their_ids(page: ProductionLogger, folder: Path):
    """The access line of a request has its own id, even where another one began in between."""

    async def request(number: int) -> None:
        context = page.begin_request(f"r{number}", None)
        await asyncio.sleep(0)
        page.begin_request("intruder", None)
        page.end_request(
            context,
            method="GET",
            route=f"/{number}",
            path="/",
            status=200,
            duration_ms=1,
            bytes=0,
            client=None,
        )

    async def every_request() -> None:
        await asyncio.gather(*map(request, range(50)))

    asyncio.run(every_request())
    assert all(record["route"] == f"/{record['request_id'][1:]}" for record in records(folder, "app"))


def test_an_unhandled_exception_is_recorded_and_signalled(
    page: ProductionLogger, folder: Path, emit: RecordingEmit
):
    """It is in errors.log and app.log, and its Signal has type, place and no personal data."""
    with request_context(request_id="r1"):
        page.unhandled(caught(), where="GET /orders/{id}")
    assert records(folder, "errors")[0]["exception"] == records(folder, "app")[0]["exception"]
    assert records(folder, "errors")[0]["request_id"] == "r1"
    (signal,) = emit.signals
    assert (signal.code, signal.severity, signal.category, signal.expires_seconds) == (
        "unhandled_exception",
        Severity.HIGH,
        Category.SYSTEM,
        900,
    )
    assert (signal.labels["type"], signal.labels["where"]) == ("ValueError", "GET /orders/{id}")
    assert re.fullmatch(r"services/test_production_logger\.py:\d+ caught", signal.labels["culprit"])
    assert signal.message.endswith("'[email]'")


def test_alike_exceptions_are_one_condition(page: ProductionLogger, emit: RecordingEmit):
    """Two exceptions of one type from one place have one key."""
    page.unhandled(caught(), where="a")
    page.unhandled(caught(), where="b")
    assert len({signal.key for signal in emit.signals}) == 1


def test_a_server_that_reports_the_same_exception_is_not_heard_twice(page: ProductionLogger, folder: Path):
    """uvicorn's own record of an exception that was recorded already is left out; of others it is kept."""
    error, other = caught(), caught()
    page.unhandled(error, where="GET /")
    for exception in (error, other):
        logging.getLogger("uvicorn.error").error("Exception in ASGI application", exc_info=exception)
    assert len(records(folder, "errors")) == 2


@pytest.mark.parametrize(
    ("event", "level"), [("token_refused", "WARNING"), ("access_granted", "INFO"), ("login", "WARNING")]
)
def test_security_events_have_their_own_file(page: ProductionLogger, folder: Path, event: str, level: str):
    """An event and its fields are in security.log only, without secrets, at the caller's place."""
    page.security(event, client="10.0.0.1", token="abc", name="any")
    (record,) = records(folder, "security")
    assert (record["event"], record["level"], record["client"], record["token"]) == (
        event,
        level,
        "10.0.0.1",
        "[redacted]",
    )
    assert record["function"] == "test_security_events_have_their_own_file"
    assert records(folder, "app") == []


def test_recent_records_come_newest_first(page: ProductionLogger):
    """The answer names the log, its records and the limit."""
    for number in range(5):
        logging.getLogger("app").info("record %d", number)
    answer = page.reading.recent(limit=2)
    assert (answer["type"], answer["limit"]) == ("app", 2)
    assert [record["message"] for record in answer["records"]] == ["record 4", "record 3"]
    assert page.reading.recent(type="errors")["records"] == []
    assert [record["message"] for record in page.reading.recent(q="RECORD 1")["records"]] == ["record 1"]


@pytest.mark.parametrize("sent", [{"type": "../etc/passwd"}, {"limit": 0}, {"level": "x"}, {"since": "x"}])
def test_bad_questions_are_rejected(page: ProductionLogger, sent: dict[str, Any]):
    """A log, limit, level or time that does not exist is an error with a hint."""
    with pytest.raises(InputRejected) as rejected:
        page.reading.recent(**sent)
    assert rejected.value.hint


def test_health_says_what_is_wrong(folder: Path, clock: FrozenClock, emit: RecordingEmit):
    """Down before the start, ok while all is well, degraded with the reason while lines wait."""
    page = ProductionLogger(LogSettings(), folder, clock, emit)
    assert page.health().level is Level.DOWN
    page.start()
    assert page.health().level is Level.OK
    make_unwritable(folder)
    logging.getLogger("app").info("waits")
    wait_until(lambda: page.health().level is Level.DEGRADED, what="the trouble")
    assert page.health().reason == "app.log cannot be written: Is a directory; 1 lines wait"
    (folder / "app.log").rmdir()
    wait_until(lambda: page.retry() or page.health().level is Level.OK, what="the recovery")
    page.stop()
    assert [record["message"] for record in records(folder, "app")] == ["waits"]


def test_an_application_starts_where_nothing_can_be_written(
    tmp_path: Path, clock: FrozenClock, emit: RecordingEmit
):
    """A folder that cannot be made degrades health at once, and raises nothing."""
    (tmp_path / "logs").write_text("not a folder")
    page = ProductionLogger(LogSettings(), tmp_path / "logs", clock, emit)
    page.start()
    logging.getLogger("app").info("waits")
    assert page.health().level is Level.DEGRADED
    page.stop()


def test_drops_are_a_signal_and_degrade_health(
    page: ProductionLogger, folder: Path, clock: FrozenClock, emit: RecordingEmit
):
    """What did not fit is counted exactly, signalled once, told in the file, and then over."""
    make_unwritable(folder)
    for _ in range(400):
        logging.getLogger("app").info("x" * 10_000)
    page.retry()
    page.retry()
    (signal,) = emit.signals
    assert (signal.code, signal.severity) == ("logs_dropped", Severity.HIGH)
    (folder / "app.log").rmdir()
    wait_until(lambda: page.retry() or not page.health().details["waiting"], what="the recovery")
    wait_until(lambda: page.reading.recent(q="logs.dropped")["records"], what="the telling")
    (told,) = page.reading.recent(q="logs.dropped")["records"]
    assert told["dropped"] == {"INFO": signal.value}
    assert len(records(folder, "app")) == 400 - told["count"] + 1
    assert page.health().reason == f"{told['count']} log records were dropped"
    clock.advance(minutes=15)
    assert page.health().level is Level.OK


def test_measures_count_records_drops_and_bytes(page: ProductionLogger, folder: Path):
    """What was written and how large the files are can be scraped."""
    logging.getLogger("app").error("x")
    assert len(records(folder, "app")) == 1
    measures = {measure.name: measure for measure in page.measures()}
    written = {sample.labels["file"]: sample.value for sample in samples(measures["atalaia_log_records"])}
    assert (written["app"], written["errors"], written["security"]) == (1, 1, 0)
    sizes = {sample.labels["file"]: sample.value for sample in samples(measures["atalaia_log_file_bytes"])}
    assert sizes["app"] == (folder / "app.log").stat().st_size
    assert {"atalaia_log_records_dropped", "atalaia_log_waiting_bytes"} < set(measures)


def samples(measure: Any) -> list[Sample]:
    return [sample for sample in measure.samples if isinstance(sample, Sample)]


def errors_of(page: ProductionLogger) -> dict[str, int]:
    return {group["message"]: group["count"] for group in page.reading.errors()["errors"]}


def fold(page: ProductionLogger) -> None:
    """As the leader does each second, with everything in the file."""
    page.reading.errors()
    page.reading.fold_errors()


def test_a_new_kind_of_error_is_signalled_once(page: ProductionLogger, emit: RecordingEmit):
    """What stood in errors.log before the first look is old."""
    logging.getLogger("app").error("order 1 failed")
    fold(page)
    for number in range(2, 5):
        logging.getLogger("app").error("order %d failed", number)
        logging.getLogger("app.stock").error("item %d is gone", number)
        fold(page)
    (signal,) = emit.signals
    assert (signal.code, signal.severity, signal.category) == ("new_error", Severity.MEDIUM, Category.SYSTEM)
    assert (signal.title, signal.message) == ("New error: app.stock", "item <number> is gone")
    assert errors_of(page) == {"item <number> is gone": 3, "order <number> failed": 4}


def test_an_unhandled_exception_is_signalled_once_only(page: ProductionLogger, emit: RecordingEmit):
    """unhandled() has said so already; logged by others too, it is the same kind."""
    fold(page)
    error = caught()
    page.unhandled(error, where="GET /")
    logging.getLogger("app").error("cannot read", exc_info=error)
    fold(page)
    (group,) = page.reading.errors()["errors"]
    (signal,) = emit.signals
    assert (group["count"], group["fingerprint"]) == (2, signal.key)


def test_errors_of_the_alerts_themselves_raise_no_alert(page: ProductionLogger, emit: RecordingEmit):
    """Or a channel that fails would be told of by that channel, for ever."""
    fold(page)
    logging.getLogger("atalaia.alerts.sender").error("slack refuses")
    fold(page)
    assert emit.signals == []
    assert errors_of(page) == {"slack refuses": 1}


def test_a_storm_of_new_kinds_is_bounded(page: ProductionLogger, emit: RecordingEmit):
    """Twenty are signalled at once; the others are in the list."""
    fold(page)
    for letter in "abcdefghijklmnopqrstuvwxyz":
        logging.getLogger("app").error("failure %s", letter)
    fold(page)
    fold(page)
    assert len(emit.signals) == 20
    assert page.reading.errors(limit=5)["total"] == 26


def test_levels_hold_until_the_page_stops(page: ProductionLogger, folder: Path, clock: FrozenClock):
    """And again when it starts, until they expire."""
    logger = logging.getLogger("page_levels")
    page.levels.change("page_levels", "DEBUG", 60, by="maria")
    assert logger.level == logging.DEBUG
    page.stop()
    assert logger.level == logging.NOTSET
    page.start()
    assert logger.level == logging.DEBUG
    clock.advance(seconds=61)
    page.levels.follow()
    assert logger.level == logging.NOTSET
    assert page.levels.listed()["levels"] == []


def test_settings_choose_names_samples_and_secrets(folder: Path, clock: FrozenClock, emit: RecordingEmit):
    """Presets rename access lines too, sampled calls are counted and told, and added names are redacted."""
    settings = LogSettings(field_names="ecs", sample_first=1, redact_names=("matricula",))
    page = ProductionLogger(settings, folder, clock, emit)
    page.start()
    for number in range(10):
        logging.getLogger("app.busy").info("busy", extra={"n": number, "matricula": "A-1"})
    serve(page, request_id="r1")
    page.retry()
    (sampled,) = [measure for measure in page.measures() if measure.name == "atalaia_log_records_sampled"]
    page.stop()
    found = records(folder, "app")
    busy, access, told = found
    assert (busy["log.logger"], busy["n"], busy["matricula"]) == ("app.busy", 0, "[redacted]")
    assert (access["http.response.status_code"], access["http.request.id"]) == (200, "r1")
    assert (told["message"], told["left_out"], sampled.samples[0]) == ("logs.sampled", 9, Sample(9, ANY))
    assert page.reading.recent(q='"n":0')["records"][0]["logger"] == "app.busy"
