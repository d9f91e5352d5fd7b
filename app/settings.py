"""The one reader of config/production.env and the environment; everybody else gets frozen objects."""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from dotenv import dotenv_values
from pydantic import SecretStr, ValidationError, field_validator
from tzlocal import get_localzone_name

from .alerts.settings import AlertSettings
from .backup.offsite.settings import OffsiteSettings
from .backup.pgbackrest.settings import PgBackRestSettings
from .backup.settings import BackupSettings
from .core.errors import SettingsError
from .core.section import Knob, Section, knob, knobs
from .logs.settings import LogSettings
from .metrics.settings import MetricsSettings
from .performance.settings import PerformanceSettings
from .production.settings import AccessSettings

CONFIG = Path("config/production.env")

AnySection = TypeVar("AnySection", bound=Section)


class ServerSettings(Section):
    """Where the application listens and which database is its own."""

    title = "Server"

    host: str = knob("127.0.0.1", "Address to listen on; 0.0.0.0 for all", variable="HOST")
    port: int = knob(8000, "TCP port to listen on", variable="PORT", ge=1, le=65535)
    workers: int = knob(1, "Number of worker processes", variable="WORKERS", ge=1, le=64)
    timezone: str = knob(
        "",
        "IANA time zone for days and schedules, like America/Sao_Paulo; empty: the machine's",
        variable="TZ",
    )
    database_url: SecretStr = knob(
        SecretStr(""),
        "postgresql://user:password@host/database; empty: a PostgreSQL of its own",
        variable="DATABASE_URL",
    )

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, name: str) -> str:
        return known_zone(name)


class WhatsAppSettings(Section):
    """The example host application: Meta's WhatsApp Cloud API webhook."""

    prefix = "WHATSAPP_"
    title = "WhatsApp webhook (the example application)"

    verify_token: SecretStr = knob(SecretStr(""), "The verify token entered at Meta for the webhook")
    app_secret: SecretStr = knob(SecretStr(""), "The app secret, with which Meta signs each POST")


SECTIONS: dict[str, type[Section]] = {
    "server": ServerSettings,
    "logs": LogSettings,
    "metrics": MetricsSettings,
    "performance": PerformanceSettings,
    "alerts": AlertSettings,
    "backup": BackupSettings,
    "offsite": OffsiteSettings,
    "pgbackrest": PgBackRestSettings,
    "access": AccessSettings,
    "whatsapp": WhatsAppSettings,
}


@dataclass(frozen=True, slots=True)
class Settings:
    """Every setting, by section; `warnings` are sentences about what looks wrong but does not stop."""

    root: Path
    server: ServerSettings
    logs: LogSettings
    metrics: MetricsSettings
    performance: PerformanceSettings
    alerts: AlertSettings
    backup: BackupSettings
    offsite: OffsiteSettings
    pgbackrest: PgBackRestSettings
    access: AccessSettings
    whatsapp: WhatsAppSettings
    warnings: tuple[str, ...] = ()

    @property
    def zone(self) -> ZoneInfo:
        """The zone of days and schedules where a section names no other."""
        return ZoneInfo(self.server.timezone or get_localzone_name() or "UTC")

    @property
    def log_folder(self) -> Path:
        return self.root / self.logs.dir

    @property
    def backup_folder(self) -> Path:
        return self.root / self.backup.dir

    @property
    def database_url(self) -> str:
        return self.server.database_url.get_secret_value()


def load(root: Path | None = None, environ: Mapping[str, str] | None = None) -> Settings:
    """Read `root`/config/production.env (if it is there) and the environment, which wins.

    Raises SettingsError that names every unknown variable of the file and every bad value at once.
    """
    root = (root or Path.cwd()).resolve()
    environ = os.environ if environ is None else environ
    in_file = _read_file(root / CONFIG)
    problems = [_unknown(name) for name in in_file if not _is_known(name)]
    given = {**in_file, **{k: v for k, v in environ.items() if _is_known(k)}}
    sections: dict[str, Any] = {}
    for word, section in SECTIONS.items():
        try:
            sections[word] = _section(section, given, root)
        except SettingsError as error:
            problems.append(error.fact)
    if problems:
        raise SettingsError("; ".join(problems), f"Correct {CONFIG} or the environment and start again.")
    warnings = tuple(_unknown(name) for name in environ if _looks_ours(name) and not _is_known(name))
    return Settings(root=root, warnings=warnings, **sections)


def every_knob() -> Iterator[tuple[type[Section], Knob]]:
    """All settings in the order of the file."""
    for section in SECTIONS.values():
        for one in knobs(section):
            yield section, one


def known_zone(name: str) -> str:
    """The name itself when it is an IANA zone or empty; ValueError (for pydantic) otherwise."""
    if name:
        try:
            ZoneInfo(name)
        except (KeyError, ValueError, OSError) as error:
            raise ValueError(f"{name!r} is no IANA time zone (like America/Sao_Paulo)") from error
    return name


def _section(section: type[AnySection], given: Mapping[str, str], root: Path) -> AnySection:
    values = {}
    for one in knobs(section):
        value = _value(one, given, root)
        if value is not None:
            values[one.field] = value
    try:
        return section(**values)
    except ValidationError as error:
        names = {one.field: one.variable for one in knobs(section)}
        raise SettingsError("; ".join(_said(detail, names) for detail in error.errors())) from None


def _value(one: Knob, given: Mapping[str, str], root: Path) -> str | None:
    if f"{one.variable}_FILE" in given and one.secret:
        path = root / given[f"{one.variable}_FILE"]
        try:
            return path.read_text(encoding="utf-8").strip()
        except OSError as error:
            raise SettingsError(f"{one.variable}_FILE: {path} cannot be read ({error.strerror})") from None
    value = given.get(one.variable)
    # Because `PORT=` in a file means "as usual", while an empty text or list is a value of its own.
    return None if value == "" and not (one.secret or one.listed) else value


def _said(detail: Any, names: Mapping[str, str]) -> str:
    field = str(detail["loc"][0]) if detail["loc"] else ""
    message = str(detail["msg"]).removeprefix("Value error, ")
    # Because the input of a secret must not be repeated, only the field's name and the rule are said.
    return f"{names.get(field, field) or 'settings'}: {message[:1].lower()}{message[1:]}"


def _read_file(path: Path) -> dict[str, str]:
    if not path.exists():
        return {}
    try:
        values = dotenv_values(path, interpolate=False, encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} cannot be read ({error})", "Check its owner and mode (0600).") from None
    return {name: value or "" for name, value in values.items()}


@cache
def _names() -> frozenset[str]:
    known = set()
    for _, one in every_knob():
        known.add(one.variable)
        if one.secret:
            known.add(f"{one.variable}_FILE")
    return frozenset(known)


def _is_known(name: str) -> bool:
    return name in _names()


def _looks_ours(name: str) -> bool:
    prefixes = [section.prefix for section in SECTIONS.values() if section.prefix]
    return bool(re.match("|".join(prefixes), name))


def _unknown(name: str) -> str:
    near = difflib.get_close_matches(name, _names(), n=1)
    return f"{name} is no setting" + (f" (did you mean {near[0]}?)" if near else "")
