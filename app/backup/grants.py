"""Owners and grants of an archive, as statements of which a superuser need not be afraid."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from .structure import OWNED
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
_DROP = re.compile(rf"DROP ((?:{_OPERATOR})?{_HARMLESS});\s*")
# Of these several may have one name, so that only the statement which drops them tells which it is.
_BY_DROP = frozenset({"AGGREGATE", "FUNCTION", "OPERATOR", "OPERATOR CLASS", "OPERATOR FAMILY", "PROCEDURE"})


def rights(entries: Iterable[Entry]) -> Iterator[str]:
    """Statements in their order: roles that may be there already, owners, grants.

    A grant that holds anything but grants is left out, and will be missed by whoever compares.
    """
    roles: set[str] = set()
    tables: list[str] = []
    others: list[str] = []
    grants: list[str] = []
    for entry in entries:
        if entry.kind in OWNED and entry.owner and (what := _what(entry)):
            roles.add(_quoted(entry.owner))
            # Because a sequence that belongs to a column goes with its table, and not by itself.
            (tables if entry.kind == "TABLE" else others).append(
                f"alter {what} owner to {_quoted(entry.owner)};"
            )
        elif entry.kind in {"ACL", "DEFAULT ACL"} and _GRANTS.fullmatch(entry.definition):
            roles.update(_ROLES.findall(entry.definition))
            grants.append(entry.definition)
    yield from (f"create role {role};" for role in sorted(roles))
    yield from [*tables, *others, *grants]


def _what(entry: Entry) -> str:
    if entry.kind in _BY_DROP:
        found = _DROP.fullmatch(entry.drop)
        return found[1] if found else ""
    schema = f"{_quoted(entry.namespace)}." if entry.namespace else ""
    return f"{entry.kind} {schema}{_quoted(entry.name)}"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
