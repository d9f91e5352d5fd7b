"""Owners and grants of an archive, as statements of which a superuser need not be afraid."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from .structure import LARGE_OBJECTS, OWNED
from .toc import Entry

_QUOTED = r'"(?:[^"]|"")*"'
# No literal, no comment, no variable of psql: outside of quoted names nothing that could begin one.
_HARMLESS = rf"(?:[^\"'\\;:$/-]|{_QUOTED})*"
_GRANTS = re.compile(
    r"(?:(?:GRANT|REVOKE|ALTER DEFAULT PRIVILEGES|SET SESSION AUTHORIZATION|RESET SESSION AUTHORIZATION)\b"
    rf"{_HARMLESS};\s*)+"
)
_ROLES = re.compile(rf"\b(?:TO|FROM|ROLE|AUTHORIZATION) ({_QUOTED}|[a-z_][\w$]*)")
# The name of an operator is of signs that begin comments elsewhere, but there is no `--` and no `/*` in it.
_OPERATOR = rf"OPERATOR (?:(?:\w+|{_QUOTED})\.)?(?!\S*(?:--|/\*))[-+*/<>=~!@#%^&|`?]+ \("
_NUMBER = re.compile(r"\d{1,10}")
_ON_LARGE = re.compile(r"\bON LARGE OBJECT \d+ ")
_DROP = re.compile(rf"DROP ((?:{_OPERATOR})?{_HARMLESS});\s*")
# Of these several may have one name, so that only the statement which drops them tells which it is.
_BY_DROP = frozenset({"AGGREGATE", "FUNCTION", "OPERATOR", "PROCEDURE"})


def rights(entries: Iterable[Entry]) -> Iterator[str]:
    """Statements in their order: roles that may be there already, owners, grants.

    A grant that holds anything but grants is left out, and will be missed by whoever compares.
    """
    roles: set[str] = set()
    tables: list[str] = []
    others: list[str] = []
    grants: list[str] = []
    large: list[Entry] = []
    for entry in entries:
        if entry.kind in LARGE_OBJECTS or _is_of_large_objects(entry):
            large.append(entry)
        elif entry.kind in OWNED and entry.owner and (what := _what(entry)):
            # Because a sequence that belongs to a column goes with its table, and not by itself.
            (tables if entry.kind == "TABLE" else others).append(_given(what, entry.owner))
        elif entry.kind in {"ACL", "DEFAULT ACL"} and _GRANTS.fullmatch(entry.definition):
            grants.append(entry.definition)
        else:
            continue
        roles.update(_roles(entry))
    yield from (f"create role {role};" for role in sorted(roles))
    yield from [*tables, *others, *grants]
    yield from _of_large_objects(large)


def _roles(entry: Entry) -> Iterator[str]:
    """Those that its statements name."""
    if entry.kind in OWNED and entry.owner:
        yield _quoted(entry.owner)
    elif entry.kind in {"ACL", "DEFAULT ACL"} and _GRANTS.fullmatch(entry.definition):
        yield from _ROLES.findall(entry.definition)


def _is_of_large_objects(entry: Entry) -> bool:
    return entry.kind == "ACL" and entry.name.startswith("LARGE OBJECT")


def _of_large_objects(entries: Iterable[Entry]) -> Iterator[str]:
    """Owners and grants one by one, because one entry may stand for a thousand objects."""
    objects: dict[int, list[str]] = {}
    for entry in entries:
        if entry.kind in LARGE_OBJECTS:
            told = entry.name if entry.kind == "BLOB" else entry.definition
            objects[entry.number] = [word for word in told.split() if _NUMBER.fullmatch(word)]
            yield from (_given(f"large object {number}", entry.owner) for number in objects[entry.number])
        elif _GRANTS.fullmatch(entry.definition):
            for number in (number for needed in entry.needs for number in objects.get(needed, ())):
                yield _ON_LARGE.sub(f"ON LARGE OBJECT {number} ", entry.definition)


def _what(entry: Entry) -> str:
    if entry.kind in _BY_DROP:
        found = _DROP.fullmatch(entry.drop)
        return found[1] if found else ""
    schema = f"{_quoted(entry.namespace)}." if entry.namespace else ""
    return f"{entry.kind} {schema}{_quoted(entry.name)}"


def _given(what: str, owner: str) -> str:
    return f"alter {what} owner to {_quoted(owner)};"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
