"""The span of OpenTelemetry that is under way here, where the application uses OpenTelemetry."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import NamedTuple


class SpanIds(NamedTuple):
    """Ids of a span, as W3C Trace Context writes them."""

    trace_id: str
    span_id: str


class Spans:
    """Finds the ids of the current span, and remembers the last one, because most records share it."""

    def __init__(self) -> None:
        self._context_here: Callable[[], object] | None = None
        self._last: tuple[object, SpanIds | None] = (None, None)

    def current(self) -> SpanIds | None:
        """The ids of the span under way in this thread or task; None where there is none."""
        if self._context_here is None and not self._is_in_use():
            return None
        context = self._context_here() if self._context_here else None
        if not context:
            return None
        known, ids = self._last
        if known is not context:
            ids = _current_ids()
            self._last = (context, ids)
        return ids

    def _is_in_use(self) -> bool:
        # Because a span can only be under way where somebody else has imported the package.
        if "opentelemetry.trace" not in sys.modules:
            return False
        try:
            from opentelemetry.context import get_current
        except ImportError:
            return False  # Because it is being imported just now.
        self._context_here = get_current
        return True


def _current_ids() -> SpanIds | None:
    from opentelemetry.trace import format_span_id, format_trace_id, get_current_span

    span = get_current_span().get_span_context()
    return SpanIds(format_trace_id(span.trace_id), format_span_id(span.span_id)) if span.is_valid else None
