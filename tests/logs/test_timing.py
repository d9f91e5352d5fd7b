from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from typing import Any

import pytest

from app.logs.timing import log_execution_time
from app.services.production_logger import ProductionLogger

from .conftest import records


@log_execution_time
def add(left: int, right: int) -> int:
    """Adds."""
    return left + right


@log_execution_time(logger="business", level=logging.WARNING)
async def answer(value: Any) -> Any:
    await asyncio.sleep(0)
    if isinstance(value, Exception):
        raise value
    return value


@log_execution_time(threshold_ms=60_000)
def quick() -> None:
    """Takes less than a minute."""


def performance_log(tmp_path: Path) -> list[dict[str, Any]]:
    return records(tmp_path / "logs" / "performance.log")


def test_a_call_leaves_a_record(page: ProductionLogger, tmp_path: Path):
    """The record has the full name, how long it took and that it went well; the place is the function's."""
    assert add(1, right=2) == 3
    (record,) = performance_log(tmp_path)
    assert record["operation"] == f"{__name__}.add"
    assert (record["outcome"], record["module"], record["function"]) == ("ok", "test_timing", "add")
    assert 0 <= record["duration_ms"] < 10_000


def test_async_functions_are_timed_until_they_end(page: ProductionLogger, tmp_path: Path):
    """Arguments choose logger and level, also for async functions, which stay async functions."""
    assert asyncio.iscoroutinefunction(answer)
    assert asyncio.run(answer(42)) == 42
    (record,) = records(tmp_path / "logs" / "business.log")
    assert (record["level"], record["outcome"]) == ("WARNING", "ok")


def test_errors_are_told_and_pass_through(page: ProductionLogger, tmp_path: Path):
    """The caller gets the exception; the record has its type."""
    with pytest.raises(ValueError, match="no"):
        asyncio.run(answer(ValueError("no")))
    (record,) = records(tmp_path / "logs" / "business.log")
    assert (record["outcome"], record["error_type"]) == ("error", "ValueError")


def test_a_cancelled_call_is_no_error(page: ProductionLogger, tmp_path: Path):
    """Cancellation is told as such."""

    async def cancelled() -> None:
        task = asyncio.create_task(forever())
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(cancelled())
    assert performance_log(tmp_path)[0]["outcome"] == "cancelled"


@log_execution_time
async def forever() -> None:
    await asyncio.Event().wait()


def test_calls_below_the_threshold_leave_nothing(page: ProductionLogger, tmp_path: Path):
    """With a threshold only slow calls are told."""
    quick()
    assert performance_log(tmp_path) == []


def test_what_is_decorated_keeps_its_name_and_text():
    """The decorated function looks like itself."""
    assert (add.__name__, add.__doc__) == ("add", "Adds.")


def test_anything_callable_can_be_timed(page: ProductionLogger, tmp_path: Path):
    """Built-in functions have no place, and are timed all the same."""
    assert log_execution_time(len)([1, 2]) == 2
    assert performance_log(tmp_path)[0]["operation"] == "builtins.len"


def test_without_a_started_page_nothing_happens():
    """A decorated function works where nobody logs."""
    assert add(1, 2) == 3
