from __future__ import annotations

import asyncio
import os
import re

import pytest

from app.logs.context import begin, bind, current, end, request_context, resume

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
SPAN = "00f067aa0ba902b7"


@pytest.fixture(autouse=True)
def _outside_of_any_request():
    with request_context() as context:
        end(context)
        yield


def fields() -> dict[str, object]:
    """The fields of the context in which the test runs."""
    context = current()
    return dict(context.fields) if context else {}


@pytest.mark.parametrize("given", ["a", "A-1_b.c", "x" * 64])
def test_a_valid_request_id_is_kept(given: str):
    """An id of 1 to 64 letters, digits, dots, underscores and dashes is taken over."""
    assert begin(given, None).request_id == given


@pytest.mark.parametrize("given", [None, "", "x" * 65, "a b", "a\n", "é", "<script>", "a\x1b[31m"])
def test_an_invalid_request_id_is_replaced(given: str | None):
    """Anything else is replaced by an id of our own, which is valid."""
    made = begin(given, None).request_id
    assert made != given
    assert re.fullmatch(r"[A-Za-z0-9._-]{1,64}", made or "")


def test_made_ids_are_never_the_same():
    """Two requests have two ids, also in a forked process."""
    reader, writer = os.pipe()
    if os.fork() == 0:
        os.write(writer, (begin(None, None).request_id or "").encode())
        os._exit(0)
    os.wait()
    child = os.read(reader, 100).decode()
    os.close(reader)
    os.close(writer)
    assert len({child, *(begin(None, None).request_id for _ in range(100))}) == 101


def test_a_valid_traceparent_gives_trace_and_span():
    """Trace id and parent id of a version 00 traceparent are taken over."""
    begin(None, f"00-{TRACE}-{SPAN}-01")
    assert fields()["trace_id"] == TRACE
    assert fields()["span_id"] == SPAN


@pytest.mark.parametrize(
    "given",
    [
        None,
        "",
        f"01-{TRACE}-{SPAN}-01",
        f"00-{TRACE.upper()}-{SPAN}-01",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE}-{SPAN}-01-x",
        f"00-{TRACE[:-1]}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}-01\n",
    ],
)
def test_an_invalid_traceparent_begins_a_new_trace(given: str | None):
    """A traceparent that W3C Trace Context does not allow is ignored, and a trace id is made."""
    context = begin(None, given)
    assert re.fullmatch("[0-9a-f]{32}", context.trace_id or "")
    assert context.trace_id != TRACE
    assert "span_id" not in fields()


def test_a_request_inherits_nothing():
    """The context of an earlier request on the same connection does not leak into the next one."""
    begin("first", None).bind(user_id="u1")
    begin("second", None)
    assert "user_id" not in fields()


def test_what_runs_after_a_request_is_not_part_of_it():
    """Ending a request leaves no context, unless another request has begun here."""
    first = begin("first", None)
    second = begin("second", None)
    end(first)
    assert current() is second
    end(second)
    assert current() is None


def test_a_request_can_be_resumed():
    """The end of a request is logged with its own context, whatever ran here meanwhile."""
    first = begin("first", None)
    begin("second", None)
    resume(first)
    assert current() is first


def test_blocks_nest_and_put_back_what_was_there():
    """An inner block adds to the outer one, and afterwards everything is as before."""
    with request_context(user_id="u1", order=7):
        with request_context(user_id="u2"):
            assert fields() == {"user_id": "u2", "order": 7}
        assert fields() == {"user_id": "u1", "order": 7}
    assert current() is None


def test_binding_reaches_the_whole_request():
    """What a task binds is seen by the request that started it, because they share one object."""

    async def request() -> dict[str, object]:
        begin("r1", None)
        await asyncio.create_task(identify_user())
        return fields()

    async def identify_user() -> None:
        bind(user_id="u1")

    assert asyncio.run(request())["user_id"] == "u1"


def test_binding_outside_of_a_request_begins_a_context():
    """A script may bind fields without a request."""
    bind(job="nightly")
    assert fields() == {"job": "nightly"}


def test_concurrent_requests_do_not_see_each_other():
    """A thousand interleaved requests keep their own fields."""

    async def request(number: int) -> bool:
        begin(f"r{number}", None)
        bind(user_id=number)
        await asyncio.sleep(0)
        return fields()["request_id"] == f"r{number}" and fields()["user_id"] == number

    async def every_request() -> list[bool]:
        return await asyncio.gather(*map(request, range(1_000)))

    assert all(asyncio.run(every_request()))
