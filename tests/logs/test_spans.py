from __future__ import annotations

import json
import logging
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from opentelemetry.sdk.trace import Span, TracerProvider

from app.logs.context import RequestContext, begin, current, end
from app.logs.format import JsonLines
from app.logs.spans import Spans

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
tracer = TracerProvider().get_tracer(__name__)


def line(lines: JsonLines, context: RequestContext | None = None) -> dict[str, Any]:
    record = logging.LogRecord("app", logging.INFO, "", 1, "x", (), None)
    made = lines.line(record, context)
    return json.loads(made.head + b"," + made.tail)  # type: ignore[no-any-return]


def ids(span: Any) -> tuple[str, str]:
    assert isinstance(span, Span)
    about = span.get_span_context()
    return f"{about.trace_id:032x}", f"{about.span_id:016x}"


def test_the_current_span_is_in_the_line():
    """A record within a span has its ids, also outside of requests; nested spans have their own."""
    lines = JsonLines()
    with tracer.start_as_current_span("outer") as outer:
        with tracer.start_as_current_span("inner") as inner:
            assert (line(lines)["trace_id"], line(lines)["span_id"]) == ids(inner)
        assert line(lines)["span_id"] == ids(outer)[1]
    assert "span_id" not in line(lines)


def test_a_span_stands_before_the_caller_of_the_request():
    """The span under way is told in place of the one that traceparent names."""
    context = RequestContext({"request_id": "r", "trace_id": TRACE, "span_id": "00f067aa0ba902b7"})
    lines = JsonLines()
    with tracer.start_as_current_span("work") as span:
        assert (line(lines, context)["trace_id"], line(lines, context)["span_id"]) == ids(span)
    assert line(lines, context)["trace_id"] == TRACE


def test_a_request_without_a_trace_takes_that_of_its_first_span():
    """The access line, which comes after all spans, is found by the trace of the request."""
    context = begin(None, None)
    lines = JsonLines()
    with tracer.start_as_current_span("handler") as span:
        line(lines, current())
    assert line(lines, context)["trace_id"] == ids(span)[0]
    end(context)


def test_threads_do_not_see_each_others_spans():
    """Of threads that log at once, each line has the ids of its own span."""
    lines = JsonLines()

    def work(number: int) -> bool:
        with tracer.start_as_current_span(str(number)) as span:
            return all(line(lines)["span_id"] == ids(span)[1] for _ in range(20))

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(work, range(50)))


def test_nobody_pays_for_what_nobody_uses():
    """Looking for a span does not import OpenTelemetry."""
    script = "import sys; from app.logs.spans import Spans; sys.modules.pop('opentelemetry.trace', None)\n"
    script += "print(Spans().current(), 'opentelemetry.trace' in sys.modules)"
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert found.stdout.split() == ["None", "False"]
    assert Spans().current() is None
