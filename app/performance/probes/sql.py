"""SQL that the application sends through SQLAlchemy: how long it takes, and which line sends the slow."""

from __future__ import annotations

import sys
import time
from collections import deque
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ...core.clock import Clock
from ..frames import application_place
from ..model import OTHER, SlowQuery
from ..statements import without_literals
from ..tally import Tally

if TYPE_CHECKING:  # because an application without a database has no use for SQLAlchemy's 11 MB
    from sqlalchemy import Engine
    from sqlalchemy.engine.interfaces import ExceptionContext

_OPERATIONS = frozenset(
    {"SELECT", "INSERT", "UPDATE", "DELETE", "WITH", "MERGE", "COPY", "CALL", "CREATE", "ALTER", "DROP"}
)
_MOST_SLOW = 200
_BEGAN = "_atalaia_began"


class QueryWatch:
    """Counts the statements of the engines it is attached to, and keeps the slow ones."""

    def __init__(self, tally: Tally, clock: Clock, slow_seconds: float) -> None:
        self._tally = tally
        self._clock = clock
        self._slow_seconds = slow_seconds
        self._slow: deque[SlowQuery] = deque(maxlen=_MOST_SLOW)

    def attach(self, engine: Any) -> None:
        """Watch a SQLAlchemy Engine or AsyncEngine from now on."""
        from sqlalchemy import event

        watched: Engine = getattr(engine, "sync_engine", engine)
        event.listen(watched, "before_cursor_execute", self._begin)
        event.listen(watched, "after_cursor_execute", self._end)
        event.listen(watched, "handle_error", self._fail)

    def take_slow(self) -> list[SlowQuery]:
        """The slow statements since the last take, at most the 200 newest."""
        taken: list[SlowQuery] = []
        while self._slow:
            taken.append(self._slow.popleft())
        return taken

    def give_back(self, slow: Sequence[SlowQuery]) -> None:
        """Keep again what could not be written, as far as there is room."""
        self._slow.extendleft(reversed(slow[: _MOST_SLOW - len(self._slow)]))

    def _begin(
        self, _connection: Any, _cursor: Any, _sql: str, _values: Any, context: Any, _many: bool
    ) -> None:
        if context is not None:
            setattr(context, _BEGAN, time.perf_counter())

    def _end(self, _connection: Any, _cursor: Any, sql: str, _values: Any, context: Any, _many: bool) -> None:
        self._count(sql, context, failed=False)

    def _fail(self, error: ExceptionContext) -> None:
        self._count(error.statement or "", error.execution_context, failed=True)

    def _count(self, sql: str, context: Any, *, failed: bool) -> None:
        began = getattr(context, _BEGAN, None)
        if began is None:
            return
        seconds = time.perf_counter() - began
        setattr(context, _BEGAN, None)
        self._tally.observe(("sql", _operation(sql), ""), seconds, failed)
        if seconds >= self._slow_seconds:
            caller = application_place(sys._getframe(2))  # noqa: SLF001 the cheap way to see who calls
            statement = without_literals(sql)
            at = self._clock.now().timestamp()
            self._slow.append(SlowQuery(at, "application", statement, caller, seconds))


def _operation(sql: str) -> str:
    word = sql.lstrip()[:8].split(None, 1)
    name = word[0].upper() if word else ""
    return name if name in _OPERATIONS else OTHER
