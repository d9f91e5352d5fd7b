"""What a database is made of besides its rows: which objects, how each is defined, whose, who may use it."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from .toc import Entry

# What an archive has besides objects, what a drill leaves out, what a dump of the schema alone has not.
_IS_PASSED_OVER = re.compile(
    r"(ENCODING|STDSTRINGS|SEARCHPATH|DATABASE|TABLE DATA|SEQUENCE SET|MATERIALIZED VIEW DATA|STATISTICS DATA"
    r"|BLOBS|LARGE OBJECTS?|EVENT TRIGGER|PUBLICATION|SUBSCRIPTION|SECURITY LABEL|EXTENSION)\b"
)
_WITHOUT_OWNER = {"CONSTRAINT", "FK CONSTRAINT", "INDEX", "POLICY", "RULE", "TRIGGER"}
LARGE_OBJECTS = frozenset({"BLOB", "BLOB METADATA"})  # one of them; since PostgreSQL 17 a thousand
OWNED = frozenset(
    {
        "AGGREGATE",
        *LARGE_OBJECTS,
        "COLLATION",
        "CONVERSION",
        "DOMAIN",
        "FOREIGN TABLE",
        "FUNCTION",
        "MATERIALIZED VIEW",
        "OPERATOR",
        "PROCEDURE",
        "SCHEMA",
        "SEQUENCE",
        "SERVER",
        "STATISTICS",
        "TABLE",
        "TEXT SEARCH CONFIGURATION",
        "TEXT SEARCH DICTIONARY",
        "TYPE",
        "VIEW",
    }
)
# Those that every release of pg_dump calls alike.
_SAME_EVERYWHERE = (OWNED | _WITHOUT_OWNER) - LARGE_OBJECTS
# Because PostgreSQL itself writes `x IN ('a')` on a varchar with other casts when it has been read again.
_CASTS = re.compile(
    r'::(?:"[^"]*"|[\w.]+)+(?: varying| precision)?(?:\(\d+(?:,\d+)?\))?(?: with(?:out)? time zone)?(?:\[\])*'
)
_MARKS = re.compile(r"[\s()\[\],]+")
_DIGEST_BYTES = 8

Label = tuple[str, str, str]
"""Kind, schema and name."""


@dataclass(slots=True)
class Structure:
    """Objects by label: digests of what defines them, owners, and the statements that grant."""

    objects: dict[Label, Counter[bytes]] = field(default_factory=dict)
    owners: dict[Label, str] = field(default_factory=dict)
    grants: dict[Label, frozenset[str]] = field(default_factory=dict)

    def kinds(self, *, only: frozenset[str]) -> Structure:
        """The same with objects of those kinds only, and without grants on large objects."""
        objects = {label: found for label, found in self.objects.items() if label[0] in only}
        grants = {label: found for label, found in self.grants.items() if not label[2].startswith("LARGE ")}
        return Structure(objects, self.owners, grants)


def structure(entries: Iterable[Entry]) -> Structure:
    """That of an archive, which may hold rows or not."""
    found, numbers, grants = Structure(), set(), []
    for entry in entries:
        label = (entry.kind, entry.namespace, entry.name)
        if entry.kind in {"ACL", "DEFAULT ACL"}:
            grants.append((label, entry))
        elif not _IS_PASSED_OVER.match(entry.name if entry.kind == "COMMENT" else entry.kind):
            numbers.add(entry.number)
            found.objects.setdefault(label, Counter())[_digest(entry)] += 1
            if entry.kind in OWNED:
                found.owners[label] = entry.owner
    for label, entry in grants:
        # Because what belongs to an extension is granted as its version here says.
        if entry.kind == "DEFAULT ACL" or entry.name == "SCHEMA public" or entry.needs & numbers:
            lines = (line.strip("; \n") for line in entry.definition.split(";\n"))
            found.grants[label] = frozenset(filter(None, lines))
    return found


def differences(
    source: Structure, found: Structure, *, same_client: bool, same_server: bool
) -> Iterator[str]:
    """What is not as it was, in words.

    Definitions are compared where one version of pg_dump wrote both, of servers of one version, because
    others spell the same otherwise; without `same_client` only kinds that all of them know.
    """
    if not same_client:
        source, found = (one.kinds(only=_SAME_EVERYWHERE) for one in (source, found))
    for label, digests in source.objects.items():
        if (there := found.objects.get(label)) is None:
            yield f"{_named(label)} is missing"
        elif there.total() != digests.total():
            yield f"there are {there.total()} of {_named(label)}, not {digests.total()}"
        elif same_client and same_server and there != digests:
            yield f"{_named(label)} is defined otherwise"
    for label in found.objects.keys() - source.objects.keys():
        yield f"{_named(label)} was not there"
    yield from _of_rights(source, found)


def _of_rights(source: Structure, found: Structure) -> Iterator[str]:
    for label, owner in source.owners.items():
        if (now := found.owners.get(label, owner)) != owner:
            yield f"{_named(label)} belongs to {_shown(now)}, not to {_shown(owner)}"
    for label in sorted(source.grants.keys() | found.grants.keys()):
        if source.grants.get(label, frozenset()) != found.grants.get(label, frozenset()):
            yield f"grants are not as they were: {_named(label)}"


def _digest(entry: Entry) -> bytes:
    words = _MARKS.split(_CASTS.sub("", entry.definition))
    # Because pg_dump names the roles of a policy in the order in which they were made.
    plain = "".join(sorted(words) if entry.kind == "POLICY" else words)
    return hashlib.blake2b(plain.encode(errors="surrogateescape"), digest_size=_DIGEST_BYTES).digest()


def _named(label: Label) -> str:
    kind, schema, name = label
    words = name if kind in {"ACL", "COMMENT"} else f"{kind.lower()} {name}"
    return _shown(f"{words} of {schema}" if schema else words)


def _shown(text: str) -> str:
    """Without what JSON cannot hold."""
    return text.encode(errors="surrogateescape").decode(errors="replace")
