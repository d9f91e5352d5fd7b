from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from app.core.errors import InputRejected
from app.core.health import Level
from app.core.measure import Sample
from app.core.signal import Category, Severity
from app.logs.settings import LogSettings
from app.logs.streams import FILES
from app.services.production_logger import ProductionLogger, bind, request_context
from app.testing import FrozenClock, RecordingEmit, wait_until


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
    """The records of one of the files, oldest first."""
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
    assert signal.labels == {"type": "ValueError", "where": "GET /orders/{id}"}
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
    answer = page.recent(limit=2)
    assert (answer["type"], answer["limit"]) == ("app", 2)
    assert [record["message"] for record in answer["records"]] == ["record 4", "record 3"]
    assert page.recent(type="errors")["records"] == []
    assert [record["message"] for record in page.recent(q="RECORD 1")["records"]] == ["record 1"]


@pytest.mark.parametrize("sent", [{"type": "../etc/passwd"}, {"limit": 0}, {"level": "x"}, {"since": "x"}])
def test_bad_questions_are_rejected(page: ProductionLogger, sent: dict[str, Any]):
    """A log, limit, level or time that does not exist is an error with a hint."""
    with pytest.raises(InputRejected) as rejected:
        page.recent(**sent)
    assert rejected.value.hint


def test_health_says_what_is_wrong(folder: Path, clock: FrozenClock, emit: RecordingEmit):
    """Down before the start, ok while all is well, degraded with the reason while lines wait."""
    page = ProductionLogger(LogSettings(), folder, clock, emit)
    assert page.health().level is Level.DOWN
    page.start()
    assert page.health().level is Level.OK
    make_unwritable(folder)
    logging.getLogger("app").info("waits")
    assert page.health().level is Level.DEGRADED
    assert page.health().reason == "app.log cannot be written: Is a directory; 1 lines wait in memory"
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
    """What did not fit into memory is counted exactly, signalled once, told in the file, and then over."""
    make_unwritable(folder)
    for _ in range(400):
        logging.getLogger("app").info("x" * 10_000)
    page.retry()
    page.retry()
    (signal,) = emit.signals
    assert (signal.code, signal.severity) == ("logs_dropped", Severity.HIGH)
    (folder / "app.log").rmdir()
    wait_until(lambda: page.retry() or not page.health().details["waiting"], what="the recovery")
    (told,) = page.recent(q="logs.dropped")["records"]
    assert told["dropped"] == {"INFO": signal.value}
    assert len(records(folder, "app")) == 400 - told["count"] + 1
    assert page.health().reason == f"{told['count']} log records were dropped"
    clock.advance(minutes=15)
    assert page.health().level is Level.OK


def test_measures_count_records_drops_and_bytes(page: ProductionLogger, folder: Path):
    """What was written and how large the files are can be scraped."""
    logging.getLogger("app").error("x")
    measures = {measure.name: measure for measure in page.measures()}
    written = {sample.labels["file"]: sample.value for sample in samples(measures["atalaia_log_records"])}
    assert (written["app"], written["errors"], written["security"]) == (1, 1, 0)
    sizes = {sample.labels["file"]: sample.value for sample in samples(measures["atalaia_log_file_bytes"])}
    assert sizes["app"] == (folder / "app.log").stat().st_size
    assert {"atalaia_log_records_dropped", "atalaia_log_waiting_bytes"} < set(measures)


def samples(measure: Any) -> list[Sample]:
    return [sample for sample in measure.samples if isinstance(sample, Sample)]
