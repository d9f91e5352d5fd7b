"""Checks everything that must be so before the application runs, one finding a line."""

from __future__ import annotations

import fcntl
import os
import shutil
import socket
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ..alerts.advice import advice
from ..alerts.config import read_plan
from ..alerts.lanes import addressable
from ..backup.offsite.place import open_place
from ..core.clock import SystemClock
from ..core.command import COMMAND, SETUP
from ..core.errors import AtalaiaError
from ..core.files import open_private, private_folder
from ..core.postgres import client_program
from ..logs.ring import spool_trouble
from ..performance.rules import shipped
from ..services.backup_system import BackupSystem
from ..settings import CONFIG, Settings, load
from ..telling import channels_of

_FREE_BYTES = 1 << 30


@dataclass(frozen=True, slots=True)
class Finding:
    """One line: `level` is ok, warning or error; a hint says what to do."""

    level: str
    subject: str
    fact: str
    hint: str = ""

    @property
    def is_error(self) -> bool:
        return self.level == "error"

    def line(self) -> str:
        """As people read it."""
        hint = f" (HINT: {self.hint})" if self.hint else ""
        return f"{self.level:<8} {self.subject:<12} {self.fact}{hint}"

    def document(self) -> dict[str, Any]:
        """As scripts read it."""
        return asdict(self)


def check_everything(root: Path) -> list[Finding]:
    """Every check in order; with unreadable settings only what can be said without them."""
    findings = [*_python()]
    try:
        settings = load(root)
    except AtalaiaError as error:
        return [*findings, Finding("error", "settings", error.fact, error.hint)]
    checks: tuple[Callable[[Settings], Iterator[Finding]], ...] = (
        _settings,
        _folders,
        _log_spool,
        _programs,
        _port,
        _database,
        _backup,
        _second_copy,
        _access,
        _channels,
        _routes,
        _webhook,
    )
    return [*findings, *(finding for check in checks for finding in check(settings))]


def _python() -> Iterator[Finding]:
    number = ".".join(map(str, sys.version_info[:3]))
    if sys.platform != "linux":
        yield Finding(
            "warning", "python", f"{number} on {sys.platform}", "Use tokens: only Linux knows peers."
        )
    else:
        yield Finding("ok", "python", f"{number} on {sys.platform}")


def _settings(settings: Settings) -> Iterator[Finding]:
    path = settings.root / CONFIG
    if not path.exists():
        yield Finding("warning", "settings", f"there is no {CONFIG}", f"Run {SETUP}.")
    elif path.stat().st_mode & 0o077:
        yield Finding("error", "settings", f"{CONFIG} can be read by others", f"chmod 600 {CONFIG}")
    else:
        yield Finding("ok", "settings", f"{CONFIG} is valid and private")
    for warning in settings.warnings:
        yield Finding(
            "warning", "settings", f"{warning} in the environment", "Remove it or correct its name."
        )
    yield Finding("ok", "time zone", settings.zone.key)


def _folders(settings: Settings) -> Iterator[Finding]:
    for folder in (settings.log_folder, settings.backup_folder):
        try:
            private_folder(folder)
            _try_writing(folder)
        except OSError as error:
            hint = f"Make it writable for uid {os.geteuid()}."
            yield Finding("error", "folder", f"{folder} cannot be used ({error.strerror})", hint)
            continue
        free = shutil.disk_usage(folder).free
        level, hint = (
            ("ok", "") if free >= _FREE_BYTES else ("warning", "Free some space: under 1 GiB is left.")
        )
        yield Finding(level, "folder", f"{folder} is writable and private, {free >> 20:,} MiB free", hint)


def _try_writing(folder: Path) -> None:
    """Write, and lock as several workers do (some network file systems cannot)."""
    path = folder / ".validate"
    descriptor = open_private(path, os.O_RDWR | os.O_CREAT)
    try:
        os.write(descriptor, b"x" * 4096)
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    finally:
        os.close(descriptor)
        path.unlink(missing_ok=True)


def _log_spool(settings: Settings) -> Iterator[Finding]:
    if trouble := spool_trouble(settings.log_folder):
        hint = "Each log call waits for the disk there. Put LOG_DIR on a local file system."
        yield Finding("warning", "log spool", f"{settings.log_folder} has none ({trouble})", hint)
    else:
        yield Finding("ok", "log spool", f"{settings.log_folder} takes rings: no log call waits for the disk")


def _programs(_: Settings) -> Iterator[Finding]:
    for name in ("pg_dump", "pg_restore", "psql"):
        try:
            yield Finding("ok", "program", f"{client_program(name).name} of the installed wheel")
        except AtalaiaError as error:
            yield Finding("error", "program", error.fact, error.hint)


def _port(settings: Settings) -> Iterator[Finding]:
    host, port = settings.server.host, settings.server.port
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            hint = "Normal while the application runs; else choose another HOST or PORT."
            yield Finding("warning", "port", f"{host}:{port} cannot be bound ({error.strerror})", hint)
            return
    yield Finding("ok", "port", f"{host}:{port} is free")


def _database(settings: Settings) -> Iterator[Finding]:
    if not settings.database_url:
        yield Finding(
            "ok", "database", "no DATABASE_URL: a PostgreSQL of its own is started with the application"
        )
        return
    from ..performance.probes.database import rights

    try:
        yield from (
            Finding(level, "database", fact, hint) for level, fact, hint in rights(settings.database_url)
        )
    except AtalaiaError as error:
        yield Finding("error", "database", error.fact, error.hint)


def _backup(settings: Settings) -> Iterator[Finding]:
    if not settings.database_url and settings.backup.engine == "dump":
        return
    page = BackupSystem(
        settings.backup,
        settings.backup_folder,
        settings.database_url,
        SystemClock(),
        lambda _: None,
        pgbackrest=settings.pgbackrest,
    )
    try:
        found = page.check()["findings"]
    except AtalaiaError as error:
        yield Finding("error", "backup", error.fact, error.hint)
        return
    trouble = [one for one in found if one["level"] != "ok"]
    yield from (Finding(one["level"], "backup", one["fact"], one["hint"]) for one in trouble)
    if not trouble:
        yield Finding("ok", "backup", "nothing keeps a backup from being made and from being whole")


def _second_copy(settings: Settings) -> Iterator[Finding]:
    """Go to the place of second copies and look into it."""
    if not settings.offsite.url:
        yield Finding(
            "warning", "second copy", "backups stay on this machine alone", "Set BACKUP_OFFSITE_URL."
        )
        return
    try:
        with open_place(settings.offsite) as place:
            count = sum(name.endswith(".json") for name in place.names())
    except AtalaiaError as error:
        yield Finding("error", "second copy", error.fact, error.hint)
    else:
        yield Finding("ok", "second copy", f"{settings.offsite.url} answers, {count} backups are there")


def _access(settings: Settings) -> Iterator[Finding]:
    if settings.access.entries:
        roles = ", ".join(entry.role for entry in settings.access.entries)
        yield Finding("ok", "access", f"tokens with the roles: {roles}")
    else:
        hint = f"Run {SETUP}, or set ACCESS_TOKENS to what {COMMAND} token operate gives."
        yield Finding("warning", "access", "no token: only the operator on this server gets in", hint)


def _channels(settings: Settings) -> Iterator[Finding]:
    channels = channels_of(settings)
    if not channels:
        hint = "Set SMTP_HOST, SLACK_WEBHOOK_URL or TWILIO_ACCOUNT_SID (docs/alerts.md)."
        yield Finding("warning", "channel", "none is configured: alerts are kept, nobody is told", hint)
    for channel in channels:
        try:
            channel.check()
            yield Finding("ok", "channel", f"{channel.name} answers")
        except AtalaiaError as error:
            yield Finding("error", "channel", f"{channel.name}: {error.fact}", error.hint)
    for fact, hint in advice(settings.alerts):
        yield Finding("warning", "channel", fact, hint)


def _routes(settings: Settings) -> Iterator[Finding]:
    name = settings.alerts.config_file
    if not (settings.root / name).exists():
        return
    try:
        read_plan(settings.root / name, addressable(channels_of(settings)), shipped(settings.performance))
        yield Finding("ok", "routes", f"{name} is right")
    except AtalaiaError as error:
        yield Finding("error", "routes", error.fact, error.hint)


def _webhook(settings: Settings) -> Iterator[Finding]:
    whatsapp = settings.whatsapp
    if not (whatsapp.verify_token.get_secret_value() and whatsapp.app_secret.get_secret_value()):
        hint = "Set WHATSAPP_VERIFY_TOKEN and WHATSAPP_APP_SECRET to receive messages."
        yield Finding("warning", "webhook", "the WhatsApp webhook refuses everything", hint)
    else:
        yield Finding("ok", "webhook", "WhatsApp handshake and signatures are configured")
