"""How a document is printed: for people as lines and tables, with --json for scripts."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Annotated, Any

import typer

Json = Annotated[bool, typer.Option("--json", help="Print JSON, for scripts.")]
Limit = Annotated[int, typer.Option(min=1, max=1000, help="At most so many.")]

_WIDE = 100  # characters: what is longer than that is told in several lines
_MOMENT = re.compile(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)(?:\.\d+)?Z")


def lines_of(document: Mapping[str, Any]) -> Iterable[str]:
    """Any document as `name: value` lines, indented where it is deep, with a table for what is alike."""
    return _nested(document, "")


def show(
    document: Mapping[str, Any],
    as_json: bool,
    told: Callable[[Mapping[str, Any]], Iterable[str]] = lines_of,
) -> None:
    """The document as JSON, or as the lines in which it is told to people."""
    if as_json:
        print_json(document)
        return
    for line in told(document):
        typer.echo(line)


def print_json(document: object) -> None:
    typer.echo(json.dumps(document, ensure_ascii=False, indent=2, default=str))


def said(value: object) -> str:
    """One value as people read it; a moment to the second, nothing as a dash."""
    if value is None or value in ("", [], {}, ()):
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {said(one)}" for name, one in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(said(one) for one in value)
    found = _MOMENT.fullmatch(text := str(value))
    return f"{found[1]} {found[2]}Z" if found else text


def table(rows: Sequence[Mapping[str, Any]]) -> Iterable[str]:
    """Rows under the names of their columns; a column in which there is nothing is left out."""
    names = [name for name in dict.fromkeys(name for row in rows for name in row) if _has(rows, name)]
    columns = [[name, *(said(row.get(name)) for row in rows)] for name in names]
    widths = [max(map(len, column)) for column in columns]
    for cells in zip(*columns, strict=True):
        yield "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip()


def _nested(document: Mapping[str, Any], indent: str) -> Iterable[str]:
    for name, value in document.items():
        if _is_short(value, name, indent):
            yield f"{indent}{name}: {said(value)}"
            continue
        yield f"{indent}{name}:"
        yield from _deeper(value, indent + "  ")


def _deeper(value: Any, indent: str) -> Iterable[str]:
    if isinstance(value, Mapping):
        yield from _nested(value, indent)
    elif all(isinstance(one, Mapping) for one in value):
        yield from _several(value, indent)
    else:
        yield from (f"{indent}{said(one)}" for one in value)


def _several(rows: Sequence[Mapping[str, Any]], indent: str) -> Iterable[str]:
    if all(_is_flat(row) for row in rows):
        yield from (indent + line for line in table(rows))
        return
    for row in rows:
        yield f"{indent}-"
        yield from _nested(row, indent + "  ")


def _has(rows: Iterable[Mapping[str, Any]], name: str) -> bool:
    return any(said(row.get(name)) != "-" for row in rows)


def _is_flat(row: Mapping[str, Any]) -> bool:
    return all(_is_short(value) for value in row.values())


def _is_short(value: object, name: str = "", indent: str = "") -> bool:
    """Whether it fits into one line and can be told from its neighbours there."""
    if isinstance(value, Mapping):
        parts: Iterable[object] = value.values()
    elif isinstance(value, list | tuple):
        parts = value
    else:
        return True
    is_plain = not any(isinstance(one, Mapping | list | tuple) and one for one in parts)
    return is_plain and len(indent) + len(name) + len(said(value)) < _WIDE
