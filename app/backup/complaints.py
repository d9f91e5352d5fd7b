"""What PostgreSQL's programs complain about, as a fact without secrets and a hint what to do."""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import quote

from ..core.errors import Unavailable

_LONGEST = 500
_PREFIX = re.compile(r"^(?:pg_dump|pg_dumpall|pg_restore|psql): (?:error: |fatal: )?|^(?:ERROR|FATAL): +")
_ERROR = re.compile(r"\bERROR:  (.+)")
_ASIDE = re.compile(r"\b(warning|detail|hint|CONTEXT|LINE \d+): ?", re.IGNORECASE)
_UNPRINTABLE = re.compile(r"[^\x20-\x7e\xa0-\u2027\u2030-\ud7ff\ue000-\ufffd]+")

# Because pg_dump says in its own words only that, and in the server's words why.
_FROM_SERVER = re.compile(r"^pg_dump: detail: Error message from server: ")
_HINTS = (
    (
        "conflict with recovery",
        "Set hot_standby_feedback = on there, raise max_standby_streaming_delay, or back up the primary.",
    ),
    (
        "statement pooling",
        "Let DATABASE_URL lead to the server itself: a pool by statement keeps no transaction, nor a dump.",
    ),
    ("password authentication failed|no password supplied", "Check user and password in DATABASE_URL."),
    (
        "Connection refused|could not translate host|timeout expired|No such file|server closed|terminat",
        "Check that PostgreSQL runs and stays up, and that DATABASE_URL leads to it.",
    ),
    ("database .* does not exist", "Check the database's name in DATABASE_URL."),
    (
        "not compiled in|no encryption|SSL",
        "Install PostgreSQL's own client package, or name it in BACKUP_PG_DUMP.",
    ),
    (
        "(lock|statement) timeout|obtain lock",
        "Something holds a table's lock for long; see pg_stat_activity, then try again.",
    ),
    ("row-level security", "Give the role BYPASSRLS: a dump under row security would silently be partial."),
    ("permission denied to create", "Give the role CREATEDB, or restore as one who has it."),
    ("permission denied", "Give the role pg_read_all_data, and ownership of large objects."),
    ("server version mismatch", "Install a newer postgresql-client, or name it in BACKUP_PG_DUMP."),
    ("transaction_timeout", "This dump was made by PostgreSQL 17 or newer: restore it into such a server."),
    ("extension .* is not available", "Install the extension on the server, then restore again."),
    ("role .* does not exist", "Create the role first: CREATE ROLE."),
    ("No space left|could not extend", "The server's disk is full: make room, then try again."),
)


def complaint(program: str, stderr: str, code: int, *, secrets: Iterable[str] = ()) -> Unavailable:
    """The error of a program that ended with `code`, from what it wrote to stderr."""
    words = _words(_scrubbed(stderr, secrets)) or f"exit code {code}"
    hint = next((hint for sign, hint in _HINTS if re.search(sign, words)), "")
    return Unavailable(f"{program} failed: {words}", hint)


def errors(stderr: str) -> list[str]:
    """What the server said to psql, error by error."""
    return [_UNPRINTABLE.sub(" ", found)[:_LONGEST] for found in _ERROR.findall(stderr)]


def _scrubbed(text: str, secrets: Iterable[str]) -> str:
    for secret in secrets:
        for spelling in {secret, quote(secret), quote(secret, safe="")} - {""}:
            text = text.replace(spelling, "***")
    return text


def _words(stderr: str) -> str:
    lines = (_FROM_SERVER.sub("", line.strip()) for line in stderr.splitlines())
    told = [_PREFIX.sub("", line) for line in lines if line and not _ASIDE.search(line)]
    return _UNPRINTABLE.sub(" ", "; ".join(told))[:_LONGEST]
