"""What is in a database, in numbers that do not depend on the order of rows: to compare a restore by."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import msgspec

from .questions import Part

_MOST_TOLD = 20


@dataclass(frozen=True, slots=True)
class Rows:
    """How many, and the sum of their hashes."""

    count: int
    hash: str


@dataclass(frozen=True, slots=True)
class Truth:
    """A database in numbers.

    `method` is how rows were hashed; tables by `schema.name`, leaf by leaf. A sequence is told as the two
    places where it stood before and after, because sequences move whatever the snapshot; in digits, because
    the place before the lowest is beyond 64 bits.
    """

    method: str
    tables: Mapping[str, Rows]
    sequences: Mapping[str, tuple[str, str]]
    large_objects: Rows
    counts: Mapping[str, int]
    seconds: float = 0.0

    @property
    def rows(self) -> int:
        """Of all tables together."""
        return sum(table.count for table in self.tables.values())

    @property
    def summary(self) -> dict[str, Any]:
        """For a status."""
        return {
            "method": self.method,
            "tables": len(self.tables),
            "rows": self.rows,
            "sequences": len(self.sequences),
            "large_objects": self.large_objects.count,
            "counts": dict(self.counts),
            "seconds": self.seconds,
        }


@dataclass(slots=True)
class Told:
    """What a server has told so far, line by line."""

    lines: dict[Part, list[str]] = field(default_factory=lambda: {part: [] for part in Part})

    def truth(self, method: str, later: Iterable[str] = (), seconds: float = 0.0) -> Truth:
        """The whole; `later` are the lines of the sequences when they were asked again."""
        tables = [msgspec.json.decode(line, type=tuple[str, int, str]) for line in self.lines[Part.TABLES]]
        objects, counts = self.lines[Part.LARGE_OBJECTS], self.lines[Part.COUNTS]
        before = _places(self.lines[Part.SEQUENCES])
        after = _places(later)
        return Truth(
            method,
            {name: Rows(count, digest) for name, count, digest in tables},
            {name: (place, after.get(name, place)) for name, place in before.items()},
            Rows(*msgspec.json.decode(objects[0], type=tuple[int, str])),
            msgspec.json.decode(counts[0], type=dict[str, int]),
            round(seconds, 3),
        )


def differences(source: Truth, found: Truth) -> list[str]:
    """What is not as it was, in words."""
    return [*_of_tables(source, found), *_of_sequences(source, found), *_of_objects(source, found)]


def shortened(told: Sequence[str]) -> tuple[str, ...]:
    """At most twenty, the last of which says how many more there are."""
    if len(told) > _MOST_TOLD:
        return (*told[: _MOST_TOLD - 1], f"{len(told) - _MOST_TOLD + 1} more")
    return tuple(told)


def _of_tables(source: Truth, found: Truth) -> Iterator[str]:
    for name, rows in source.tables.items():
        restored = found.tables.get(name)
        if restored is None:
            yield f"table {name} is missing"
        elif restored.count != rows.count:
            yield f"table {name} has {restored.count} rows, not {rows.count}"
        elif restored.hash != rows.hash:
            yield f"table {name} has other rows, though as many ({rows.count})"
    for name in sorted(set(found.tables) - set(source.tables)):
        yield f"table {name} was not there"


def _of_sequences(source: Truth, found: Truth) -> Iterator[str]:
    for name, places in source.sequences.items():
        if name not in found.sequences:
            yield f"sequence {name} is missing"
        elif not _is_between(found.sequences[name][0], places):
            yield f"sequence {name} stands at {found.sequences[name][0]}, not at {places[0]}"


def _of_objects(source: Truth, found: Truth) -> Iterator[str]:
    if source.large_objects.count != found.large_objects.count:
        yield f"there are {found.large_objects.count} large objects, not {source.large_objects.count}"
    elif source.large_objects != found.large_objects:
        yield "a large object has another content"
    for kind, count in source.counts.items():
        # Because a kind that only one release counts says nothing.
        if found.counts.get(kind, count) != count:
            yield f"there are {found.counts[kind]} {kind}, not {count}"


def _is_between(place: str, ends: tuple[str, str]) -> bool:
    low, high = sorted(map(Decimal, ends))
    return low <= Decimal(place) <= high


def _places(lines: Iterable[str]) -> dict[str, str]:
    return dict(msgspec.json.decode(line, type=tuple[str, str]) for line in lines)
