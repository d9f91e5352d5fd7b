"""What the parts of the engine share: the program, the catalogue, the way to the server."""

from __future__ import annotations

from dataclasses import dataclass

from ..client import Clients
from ..preflight import Finding
from . import preflight
from .archiving import Archiving
from .program import PgBackRest
from .records import Records
from .repository import Repository
from .settings import PgBackRestSettings


@dataclass(frozen=True, slots=True)
class Parts:
    """Of one stanza; `clients` is None without a usable DATABASE_URL."""

    settings: PgBackRestSettings
    program: PgBackRest
    records: Records
    repository: Repository
    archiving: Archiving
    clients: Clients | None

    def look(self) -> list[Finding]:
        """What would keep a backup from being made."""
        return preflight.look(self.program, self.repository.listing(fresh=True), self.clients)
