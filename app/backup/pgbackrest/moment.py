"""What was in a server at one place of its write-ahead log: what a restore to that place has to give back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from ..truth import Rows, Truth, differences


@dataclass(frozen=True, slots=True)
class Moment:
    """`snapshot` tells which transactions the `truth` shows; `lsn` is where the log was cut for it.

    Names of the truth begin with their database. `unread`: which databases could not be read, and why.
    `committed`: of the last transactions that it shows, how many were no failures.
    `left_out`: tables that no restore brings back, because they are not logged. `superuser` is the first.
    """

    lsn: str
    snapshot: str
    committed: int
    superuser: str
    truth: Truth
    databases: tuple[str, ...]
    unread: Mapping[str, str]
    left_out: tuple[str, ...] = ()
    extensions: tuple[str, ...] = ()

    def differences(self, found: Truth, databases: Iterable[str]) -> list[str]:
        """What is not as it was, in words, of a server that has those databases."""
        gone = [f"the database {name} is missing" for name in sorted(set(self.databases) - set(databases))]
        return gone or differences(self.truth, without(found, self.left_out))


def merged(truths: Mapping[str, Truth]) -> Truth:
    """Those of several databases as one: names begin with the database's."""
    told = list(truths.values())
    objects = [one.large_objects for one in told]
    kinds = {kind for one in told for kind in one.counts}
    return Truth(
        told[0].method if told else "",
        {f"{name}.{table}": rows for name, one in truths.items() for table, rows in one.tables.items()},
        {f"{name}.{place}": ends for name, one in truths.items() for place, ends in one.sequences.items()},
        Rows(sum(one.count for one in objects), str(sum(int(one.hash) for one in objects))),
        {kind: sum(one.counts.get(kind, 0) for one in told) for kind in sorted(kinds)},
        round(sum(one.seconds for one in told), 3),
    )


def without(truth: Truth, names: Iterable[str]) -> Truth:
    """The same without those tables and sequences."""
    left_out = frozenset(names)
    return replace(
        truth,
        tables={name: rows for name, rows in truth.tables.items() if name not in left_out},
        sequences={name: ends for name, ends in truth.sequences.items() if name not in left_out},
    )
