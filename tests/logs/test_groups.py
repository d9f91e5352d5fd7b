from __future__ import annotations

from typing import Any

import pytest

from app.logs.exceptions import described, fingerprint
from app.logs.groups import group_of, grouped, template_of


def record(message: str = "cannot pay", **changes: Any) -> dict[str, Any]:
    core = {"timestamp": "2026-11-23T12:00:00.000000Z", "level": "ERROR", "logger": "app.orders"}
    return {**core, "message": message, "pid": 7, "seq": 1, **changes}


def raised(depth: int, value: str) -> ValueError:
    """An exception that went through so many calls."""
    try:
        if depth:
            raise raised(depth - 1, value)
        int(value)
    except ValueError as error:
        return error
    raise AssertionError(value)


def test_alike_exceptions_are_one_group_whatever_they_say():
    """Type and frames count; message, line numbers and folders do not."""
    one, other = described(raised(2, "a")), described(raised(2, "b"))
    other["stacktrace"] = [frame.replace("/tests/", "/elsewhere/") for frame in other["stacktrace"]]
    assert (
        group_of(record("x", exception=one)).fingerprint == group_of(record("y", exception=other)).fingerprint
    )
    deeper = described(raised(3, "a"))
    assert group_of(record(exception=deeper)).fingerprint != group_of(record(exception=one)).fingerprint


def test_a_record_has_the_fingerprint_of_its_exception():
    """What was written down groups as the exception itself does."""
    error = raised(4, "x")
    assert group_of(record(exception=described(error))).fingerprint == fingerprint(error)


def test_a_group_tells_where_the_newest_was_raised():
    """Records without frames, or with somebody's own idea of them, have no such place."""
    assert group_of(record(exception=described(raised(1, "x")))).culprit.endswith(" raised")
    for strange in ({}, {"exception": "x"}, {"exception": {"type": "E", "stacktrace": ["", 7]}}):
        assert group_of(record(**strange)).culprit == ""


def test_a_fingerprint_that_is_given_counts():
    """That of an unhandled exception is in its record, because its frames may have been cut."""
    assert group_of(record(fingerprint="0123456789abcdef")).fingerprint == "0123456789abcdef"
    assert group_of(record(fingerprint="nonsense")).fingerprint != "nonsense"


@pytest.mark.parametrize(
    ("message", "template"),
    [
        ("order 7 of 12.50 failed", "order <number> of <number> failed"),
        ("order 'a b' failed", "order <text> failed"),
        ('no "x"', "no <text>"),
        ("job 8f2a1c3b4d failed", "job <id> failed"),
        ("job 9f3c1a20-1f2e-4b3c-8d4e-5f6a7b8c9d0e failed", "job <id> failed"),
        ("defaced facade", "defaced facade"),
        ("10.0.0.1:8000 refused", "<number> refused"),
    ],
)
def test_a_message_is_alike_but_for_its_values(message: str, template: str):
    """Numbers, ids and quoted texts are marks."""
    assert template_of(message) == template


def test_messages_of_different_loggers_are_different():
    """Without an exception, logger and wording make the group."""
    groups = grouped(
        [record("order 7 failed"), record("order 8 failed"), record("order 8 failed", logger="x")]
    )
    assert [(group.logger, group.count) for group in groups.values()] == [("app.orders", 2), ("x", 1)]


def test_a_group_knows_its_first_and_last_and_worst():
    """Whatever the order in which its records came."""
    (group,) = grouped(
        [
            record("order 1", timestamp="2026-11-23T12:00:02.000000Z"),
            record("order 2", timestamp="2026-11-23T12:00:03.000000Z", level="CRITICAL"),
            record("order 3", timestamp="2026-11-23T12:00:01.000000Z"),
        ]
    ).values()
    assert (group.count, group.level, group.example["message"]) == (3, "CRITICAL", "order 2")
    assert (group.first_seen[17:19], group.last_seen[17:19]) == ("01", "03")


def test_examples_are_bounded():
    """Of a huge record what says most is kept."""
    huge = record(
        payload="x" * 100_000, exception={"type": "E", "message": "m" * 9_000, "stacktrace": ["f"] * 50}
    )
    example = group_of(huge).example
    assert "payload" not in example
    assert len(example["exception"]["message"]) == 300
    assert len(example["exception"]["stacktrace"]) == 20


@pytest.mark.parametrize("exception", ["text", {}, {"type": None}, {"type": "E", "stacktrace": "text"}, []])
def test_records_of_any_shape_have_a_group(exception: object):
    """What others wrote into the file raises nothing."""
    assert group_of({"exception": exception}).count == 1
