"""How long functions take, as records of the `performance` logger."""

from __future__ import annotations

import asyncio
import functools
import inspect
import logging
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, ParamSpec, TypeVar, overload

from ..core.guard import guard

P = ParamSpec("P")
R = TypeVar("R")


@overload
def log_execution_time(function: Callable[P, R]) -> Callable[P, R]: ...
@overload
def log_execution_time(
    function: None = None,
    *,
    logger: str = "performance",
    threshold_ms: float | None = None,
    level: int = logging.INFO,
) -> Callable[[Callable[P, R]], Callable[P, R]]: ...
def log_execution_time(
    function: Callable[..., Any] | None = None,
    *,
    logger: str = "performance",
    threshold_ms: float | None = None,
    level: int = logging.INFO,
) -> Callable[..., Any]:
    """Log how long each call of a plain or async function takes.

    The record has `operation` (the function's full name), `duration_ms` and `outcome`: ok, error (with
    `error_type`) or cancelled. With `threshold_ms`, calls that took less leave no record.
    """
    if function is None:
        return functools.partial(log_execution_time, logger=logger, threshold_ms=threshold_ms, level=level)
    operation = Operation(function, logger, threshold_ms or 0.0, level)
    call = function

    @functools.wraps(call)
    async def timed_async(*args: Any, **kwargs: Any) -> Any:
        with _Timing(operation):
            return await call(*args, **kwargs)

    @functools.wraps(call)
    def timed(*args: Any, **kwargs: Any) -> Any:
        with _Timing(operation):
            return call(*args, **kwargs)

    return timed_async if inspect.iscoroutinefunction(call) else timed


class Operation:
    """What is timed: its record names the function itself as its place, not this module."""

    def __init__(self, function: Callable[..., Any], logger: str, threshold_ms: float, level: int) -> None:
        self.name = f"{function.__module__}.{getattr(function, '__qualname__', type(function).__qualname__)}"
        self._code = getattr(inspect.unwrap(function), "__code__", None)
        self._logger = logging.getLogger(logger)
        self._threshold_ms = threshold_ms
        self._level = level

    def ended(self, seconds: float, error: BaseException | None) -> None:
        duration_ms = round(seconds * 1_000, 3)
        if duration_ms < self._threshold_ms or not self._logger.isEnabledFor(self._level):
            return
        extra = {"operation": self.name, "duration_ms": duration_ms, "outcome": _outcome(error)}
        if extra["outcome"] == "error":
            extra["error_type"] = type(error).__name__
        code = self._code
        self._logger.handle(
            self._logger.makeRecord(
                self._logger.name,
                self._level,
                code.co_filename if code else "",
                code.co_firstlineno if code else 0,
                "%s took %.3f ms",
                (self.name, duration_ms),
                None,
                code.co_name if code else None,
                extra,
            )
        )


class _Timing:
    __slots__ = ("_began", "_operation")

    def __init__(self, operation: Operation) -> None:
        self._operation = operation

    def __enter__(self) -> None:
        self._began = time.perf_counter()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with guard("logs.timing"):
            self._operation.ended(time.perf_counter() - self._began, error)


def _outcome(error: BaseException | None) -> str:
    if error is None:
        return "ok"
    return "cancelled" if isinstance(error, asyncio.CancelledError) else "error"
