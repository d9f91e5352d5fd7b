"""What a restore finds on a server, and what it has done there."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Target:
    """What there is on the server by the name that is asked for."""

    server_version: str
    exists: bool
    owner: str | None
    connections: int
    missing_roles: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Restored:
    """What was done: rows by table, the name under which a former database is kept, roles that were made."""

    rows: dict[str, int]
    former: str | None
    notes: tuple[str, ...]
    roles: tuple[str, ...] = ()
