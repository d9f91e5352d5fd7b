"""Some tables of a backup: the whole schema comes back, and rows only where they are asked for."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from ..core.errors import NotFound

_ROWS = re.compile(r"\d+; \d+ \d+ TABLE DATA (\S+) (.+) \S+")
_AS_LISTED = str.maketrans("\n\r", "  ")
_FOREIGN_KEY = re.compile(r"\d+; \d+ \d+ FK CONSTRAINT (.+) \S+")


@dataclass(frozen=True, slots=True)
class Selection:
    """`tables` as schema.name; `body` and `foreign_keys` are lists for pg_restore --use-list."""

    tables: tuple[str, ...]
    body: str
    foreign_keys: str

    def has(self, table: str) -> bool:
        """True when the rows of `schema.name` are asked for."""
        return table.translate(_AS_LISTED) in self.tables

    @property
    def wanted_keys(self) -> list[str]:
        """Every foreign key of the source, as "schema table constraint"."""
        lines = self.foreign_keys.splitlines()
        return [found[1] for line in lines if (found := _FOREIGN_KEY.fullmatch(line))]


def tables_of(listing: str) -> list[str]:
    """The tables whose rows are in an archive, as schema.name, from what pg_restore --list tells."""
    return [f"{found[1]}.{found[2]}" for line in listing.splitlines() if (found := _ROWS.fullmatch(line))]


def select(listing: str, patterns: Sequence[str]) -> Selection:
    """Those tables that match a name, `schema.name`, or a shell pattern of either; NotFound names the rest.

    Foreign keys are listed apart, because those that point to rows that stay away cannot be made.
    """
    tables = tables_of(listing)
    chosen = {table for table in tables if any(_matches(table, pattern) for pattern in patterns)}
    for pattern in patterns:
        if not any(_matches(table, pattern) for table in tables):
            raise NotFound(
                f"the backup has no rows of a table {pattern!r}",
                f"It has: {_some(tables)}. A partitioned table's rows are in its partitions: 'name*'.",
            )
    body, keys = [], []
    for line in listing.splitlines():
        rows = _ROWS.fullmatch(line)
        if _FOREIGN_KEY.fullmatch(line):
            keys.append(line)
        elif rows is None or f"{rows[1]}.{rows[2]}" in chosen:
            body.append(line)
    return Selection(tuple(sorted(chosen)), "\n".join(body) + "\n", "\n".join(keys) + "\n")


def _matches(table: str, pattern: str) -> bool:
    return fnmatchcase(table, pattern) or fnmatchcase(table.partition(".")[2], pattern)


def _some(tables: Iterable[str], most: int = 20) -> str:
    named = sorted(tables)
    return ", ".join(named[:most]) + (f" and {len(named) - most} more" if len(named) > most else "")
