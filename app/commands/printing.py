"""How a document is printed: for people as indented lines, with --json for scripts."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Annotated, Any

import typer

Json = Annotated[bool, typer.Option("--json", help="Print JSON, for scripts.")]
Limit = Annotated[int, typer.Option(min=1, max=1000, help="At most so many.")]


def show(document: Mapping[str, Any], as_json: bool) -> None:
    if as_json:
        print_json(document)
    else:
        for said in _lines(document):
            typer.echo(said)


def print_json(document: object) -> None:
    typer.echo(json.dumps(document, ensure_ascii=False, indent=2, default=str))


def _lines(value: object, indent: str = "") -> Iterable[str]:
    """A document as indented `name: value` lines."""
    items: Iterable[tuple[object, object]]
    if isinstance(value, Mapping):
        items = value.items()
    elif isinstance(value, list | tuple):
        items = (("-", one) for one in value)
    else:
        yield f"{indent}{value}"
        return
    for name, one in items:
        label = f"{name}:" if name != "-" else "-"
        if isinstance(one, Mapping | list | tuple) and one:
            yield f"{indent}{label}"
            yield from _lines(one, indent + "  ")
        else:
            yield f"{indent}{label} {'' if one is None or one in ({}, [], ()) else one}"
