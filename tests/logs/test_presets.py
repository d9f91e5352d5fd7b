from __future__ import annotations

import json
import logging
from contextlib import suppress
from typing import Any

import pytest

from app.logs.context import RequestContext
from app.logs.format import JsonLines
from app.logs.presets import PRESETS, FieldNames, access_names, field_names, names_of, restored

ALL = list(PRESETS)


def written(preset: FieldNames, **attributes: Any) -> dict[str, Any]:
    """A record as the preset writes it."""
    record = logging.LogRecord("app.orders", logging.ERROR, "/x/orders.py", 17, "paid", (), None, "pay")
    record.__dict__.update({"created": 1_700_000_000.0, **attributes})
    fields = dict.fromkeys(("request_id", "user_id", "session_id", "trace_id", "span_id"), "x")
    line = JsonLines(names=preset).line(record, RequestContext(fields))
    return json.loads(line.head + b',"pid":1,"seq":1,' + line.tail)  # type: ignore[no-any-return]


def failed() -> Exception:
    """An exception with frames, a cause and members."""
    group = ExceptionGroup("many", [ValueError("one")])
    group.__cause__ = OSError("disk")
    with suppress(ExceptionGroup):
        raise group
    return group


@pytest.mark.parametrize("preset", ALL)
def test_every_preset_is_understood(preset: FieldNames):
    """What a preset writes is read back as what we write by default."""
    error = failed()
    extras = {"order": 7, "exc_info": (type(error), error, error.__traceback__)}
    assert restored(written(preset, **extras)) == written("default", **extras)


@pytest.mark.parametrize("preset", ALL)
def test_access_lines_are_understood(preset: FieldNames):
    """The fields of an access line have a preset's names, and ours when they are read."""
    values = ("GET", "/a/{id}", "/a/7", 200, 1.5, 17, "127.0.0.1")
    line = written(preset, name="atalaia.access", **dict(zip(access_names(preset), values, strict=True)))
    found = restored(line)
    assert (found["method"], found["path"], found["status"], found["level"]) == ("GET", "/a/7", 200, "ERROR")


@pytest.mark.parametrize("preset", ALL)
def test_no_extra_takes_the_place_of_a_core_field(preset: FieldNames):
    """An extra with a core field's name, ours or the preset's, becomes extra_<name>."""
    names = [*field_names(preset).values(), "level", "message"]
    found = written(preset, **{name: "spoofed" for name in names if name != "message"})
    assert restored(found)["level"] == "ERROR"
    assert restored(found)["message"] == "paid"


def test_elastic_gets_what_it_requires():
    """ECS asks for @timestamp, message and ecs.version."""
    found = written("ecs")
    assert found["@timestamp"] == "2023-11-14T22:13:20.000000Z"
    assert (found["ecs.version"], found["log.level"], found["trace.id"]) == ("8.11.0", "ERROR", "x")


def test_google_gets_the_place_as_an_object():
    """Cloud Logging reads severity, time and sourceLocation."""
    found = written("gcp")
    assert found["severity"] == "ERROR"
    place = {"file": "orders", "function": "pay", "line": 17}
    assert found["logging.googleapis.com/sourceLocation"] == place


def test_datadog_gets_one_text_as_stack():
    """Datadog reads status, dd.trace_id and error.kind, message and stack."""
    error = failed()
    found = written("datadog", exc_info=(type(error), error, error.__traceback__))
    assert (found["status"], found["dd.trace_id"]) == ("ERROR", "x")
    assert found["error"]["kind"] == "ExceptionGroup"
    assert isinstance(found["error"]["stack"], str)


def test_all_names_of_a_field_are_known():
    """A reader can look for a field under every name that it may have."""
    assert names_of("level") == ("level", "log.level", "severity", "status")
    assert names_of("pid") == ("pid",)
