"""What of an archive is restored in a drill, by whom, and which complaints are not about the archive."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_ENTRY = re.compile(r"\d+; \d+ \d+ (?P<what>.+)")
_BY_SUPERUSER = ("SCHEMA ", "EXTENSION ")
# Because only a superuser can make them, and nothing of the data depends on them.
_LEFT_OUT = {
    "EVENT TRIGGER ": "event triggers",
    "PUBLICATION ": "publications",
    "SUBSCRIPTION ": "subscriptions",
    "SECURITY LABEL ": "security labels",
    "COMMENT - EXTENSION ": "",
    "COMMENT - EVENT TRIGGER ": "",
    "COMMENT - PUBLICATION ": "",
    "COMMENT - SUBSCRIPTION ": "",
}
_EXTENSION = re.compile(r"EXTENSION - (\S+)")

# What a scratch server lacks, or may not do, that the server of a real restore has.
_NOT_ITS_FAULT = re.compile(
    r"extension .* is not available|could not open extension control file"
    r"|could not (access|load) (file|library)|could not find foreign"
    r"|(collation|text search|access method) .* does not exist|could not create locale|ICU is not supported"
    r"|unsupported XML feature|must be (superuser|owner)|[Oo]nly superusers?|permission denied"
    r"|No space left|could not (extend|write)|out of (shared )?memory"
    r"|server closed the connection|terminating connection|connection to server"
)


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """Two lists for pg_restore --use-list, the extensions that are needed, and what is left out."""

    by_superuser: str
    by_role: str
    entries: int
    extensions: tuple[str, ...]
    left_out: tuple[str, ...]


def plan_rehearsal(listing: str) -> Rehearsal:
    """From what pg_restore --list tells."""
    entries = [(line, found["what"]) for line in listing.splitlines() if (found := _ENTRY.fullmatch(line))]
    first = [line for line, what in entries if what.startswith(_BY_SUPERUSER)]
    then = [line for line, what in entries if not what.startswith((*_BY_SUPERUSER, *_LEFT_OUT))]
    extensions = [found[1] for _, what in entries if (found := _EXTENSION.match(what))]
    return Rehearsal(
        by_superuser="\n".join(first) + "\n" * bool(first),
        by_role="\n".join(then) + "\n" * bool(then),
        entries=len(entries),
        extensions=tuple(extensions),
        left_out=tuple(sorted(set(_names(what for _, what in entries)))),
    )


def is_of_the_scratch(complaint: str) -> bool:
    """True for a complaint that would not be one on a server like the source's."""
    return _NOT_ITS_FAULT.search(complaint) is not None


def _names(entries: Iterator[str]) -> Iterator[str]:
    for what in entries:
        for kind, name in _LEFT_OUT.items():
            if name and what.startswith(kind):
                yield name
