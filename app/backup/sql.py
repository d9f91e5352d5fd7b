"""Names and values as PostgreSQL's SQL spells them."""

from __future__ import annotations

from ..core.errors import InputRejected

LONGEST_NAME_BYTES = 63


def identifier(name: str) -> str:
    """A quoted identifier; InputRejected for what PostgreSQL cannot have as a name."""
    if not name or "\0" in name:
        raise InputRejected("a database's name is empty or has a NUL in it", "Give another name.")
    if len(name.encode()) > LONGEST_NAME_BYTES:
        raise InputRejected(
            f"the name of a database is longer than {LONGEST_NAME_BYTES} bytes", "Give a shorter one."
        )
    return '"' + name.replace('"', '""') + '"'


def literal(value: str) -> str:
    """A quoted string that means the same whatever standard_conforming_strings says."""
    return " E'" + value.replace("\\", "\\\\").replace("'", "''") + "'"
