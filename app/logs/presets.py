"""What the fields of a record are called where other systems read our files: ECS, Google Cloud, Datadog."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

FieldNames = Literal["default", "ecs", "gcp", "datadog"]

ACCESS_LOGGER = "atalaia.access"
"""The logger of the access lines, whose fields have names of their own elsewhere."""

ACCESS_FIELDS = ("method", "route", "path", "status", "duration_ms", "bytes", "client")

PLACE = ("module", "function", "line")
"""Where the call stands."""


class Preset(NamedTuple):
    """How one system wants its fields to be called.

    Names that are not given stay as they are. `place` holds module, function and line in one object
    where the system asks for it; `error` names the parts of an exception, whose stack trace is then
    one text; `constant` is a field that every record has.
    """

    core: Mapping[str, str] = MappingProxyType({})
    access: Mapping[str, str] = MappingProxyType({})
    error: Mapping[str, str] = MappingProxyType({})
    place: str = ""
    constant: tuple[str, str] | None = None


PRESETS: Mapping[FieldNames, Preset] = {
    "default": Preset(),
    "ecs": Preset(
        core={
            "timestamp": "@timestamp", "level": "log.level", "logger": "log.logger",
            "request_id": "http.request.id", "user_id": "user.id", "session_id": "session.id",
            "trace_id": "trace.id", "span_id": "span.id",
            "module": "log.origin.file.name", "function": "log.origin.function",
            "line": "log.origin.file.line", "exception": "error",
        },
        access={
            "method": "http.request.method", "path": "url.path", "route": "http.route",
            "status": "http.response.status_code", "bytes": "http.response.body.bytes", "client": "client.ip",
        },
        error={"stacktrace": "stack_trace"},
        constant=("ecs.version", "8.11.0"),
    ),
    "gcp": Preset(
        core={
            "timestamp": "time", "level": "severity",
            "trace_id": "logging.googleapis.com/trace", "span_id": "logging.googleapis.com/spanId",
            "module": "file",
        },
        place="logging.googleapis.com/sourceLocation",
    ),
    "datadog": Preset(
        core={
            "level": "status", "logger": "logger.name", "user_id": "usr.id",
            "request_id": "http.request_id", "trace_id": "dd.trace_id", "span_id": "dd.span_id",
            "function": "logger.method_name", "exception": "error",
        },
        access={
            "method": "http.method", "path": "http.url_details.path", "route": "http.route",
            "status": "http.status_code", "bytes": "network.bytes_written", "client": "network.client.ip",
        },
        error={"type": "kind", "stacktrace": "stack"},
    ),
}  # fmt: skip
"""`pid` and `seq` keep their names everywhere, because they prove that nothing is missing."""


def field_names(preset: FieldNames) -> Mapping[str, str]:
    """Our name → the preset's, for the core fields that have another one there.

    With `gcp`, module, function and line are inside of one object; restored() knows them there.
    """
    chosen = PRESETS[preset]
    inside = PLACE if chosen.place else ()
    return {ours: theirs for ours, theirs in chosen.core.items() if ours not in inside}


def access_names(preset: FieldNames) -> tuple[str, ...]:
    """What the fields of an access line are called, in the order of ACCESS_FIELDS."""
    return tuple(PRESETS[preset].access.get(name, name) for name in ACCESS_FIELDS)


def names_of(field: str) -> tuple[str, ...]:
    """Every name that one of our core fields may have in a file, ours first."""
    theirs = (field_names(preset).get(field, field) for preset in PRESETS)
    return tuple(dict.fromkeys((field, *theirs)))


def restored(record: Mapping[str, Any]) -> dict[str, Any]:
    """A record that was written under any preset, with our names."""
    name = _preset_of(record)
    if name == "default":
        return dict(record)
    preset, names = PRESETS[name], _reversed(field_names(name))
    if record.get(preset.core.get("logger", "logger")) == ACCESS_LOGGER:
        names |= _reversed(preset.access)
    result: dict[str, Any] = {}
    for theirs, value in record.items():
        ours = names.get(theirs, theirs)
        if ours == "exception" and isinstance(value, dict):
            result[ours] = _restored_error(value, _reversed(preset.error))
        elif theirs == preset.place and isinstance(value, dict):
            inside = _reversed(preset.core)
            result |= {inside.get(part) or part: inner for part, inner in value.items()}
        elif (theirs, value) != preset.constant:
            result[ours] = value
    return result


def _preset_of(record: Mapping[str, Any]) -> FieldNames:
    """Known by the names of what stands in every record."""
    for name, preset in PRESETS.items():
        if all(preset.core.get(ours, ours) in record for ours in _EVERYWHERE):
            return name
    return "default"


_EVERYWHERE = ("timestamp", "level", "logger")


def _restored_error(document: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for name, value in document.items():
        ours = names.get(name, name)
        if ours in ("cause", "context") and isinstance(value, dict):
            result[ours] = _restored_error(value, names)
        elif ours == "exceptions" and isinstance(value, list):
            result[ours] = [_restored_error(one, names) for one in value]
        elif ours == "stacktrace" and isinstance(value, str):
            result[ours] = value.split("\n") if value else []
        else:
            result[ours] = value
    return result


def _reversed(names: Mapping[str, str]) -> dict[str, str]:
    return {theirs: ours for ours, theirs in names.items()}
