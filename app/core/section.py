"""How a room declares its settings: one typed field with default, unit and description a knob."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr
from pydantic.config import JsonDict
from pydantic.fields import FieldInfo


class Section(BaseModel):
    """The frozen settings of one room; `prefix` begins the names of its variables."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)
    prefix: ClassVar[str] = ""
    title: ClassVar[str] = ""


@dataclass(frozen=True, slots=True)
class Knob:
    """One setting as operators see it; `variable` is its name in the environment.

    A `listed` one is comma-separated there.
    """

    variable: str
    field: str
    default: str
    unit: str
    description: str
    secret: bool
    listed: bool


def knob(default: Any, description: str, *, unit: str = "", variable: str = "", **constraints: Any) -> Any:
    """A field of a Section; `constraints` are pydantic's (ge, le, pattern, ...).

    `variable` replaces prefix + name where the world already has a name for it.
    """
    extra: JsonDict = {"unit": unit, "variable": variable}
    return Field(default, description=description, json_schema_extra=extra, **constraints)


def knobs(section: type[Section]) -> Iterator[Knob]:
    """Every knob of a section in the order of its declaration."""
    for name, field in section.model_fields.items():
        extra = field.json_schema_extra
        said = extra if isinstance(extra, dict) else {}
        yield Knob(
            variable=str(said.get("variable") or f"{section.prefix}{name.upper()}"),
            field=name,
            default=_shown(field),
            unit=str(said.get("unit", "")),
            description=f"{(field.description or '').rstrip('.')}.",
            secret=field.annotation is SecretStr,
            listed=isinstance(field.default, tuple),
        )


def _shown(field: FieldInfo) -> str:
    default = field.default
    if isinstance(default, SecretStr):
        return default.get_secret_value()
    if isinstance(default, bool):
        return str(default).lower()
    if isinstance(default, tuple):
        return ",".join(map(str, default))
    return "" if default is None else str(default)


def _split(value: object) -> object:
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return value


CommaList = Annotated[tuple[str, ...], BeforeValidator(_split)]
"""A comma-separated list in the environment, a tuple of texts in Python."""
