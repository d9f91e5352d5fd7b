"""How records stand in the alerts file: a column for each field, times as RFC 3339, mappings as JSON."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from functools import cache
from typing import Any, TypeAlias, TypeVar

import msgspec

from ..core.clock import rfc3339
from .model import Alert, Silence, Told

Record: TypeAlias = Alert | Silence | Told
_Record = TypeVar("_Record", Alert, Silence, Told)

_KEYS: Mapping[type[Record], tuple[str, ...]] = {
    Alert: ("id",),
    Silence: ("id",),
    Told: ("fingerprint", "channel"),
}
_TABLES: Mapping[type[Record], str] = {Alert: "alert", Silence: "silence", Told: "told"}
_NAMES = {record: tuple(field.name for field in fields(record)) for record in _KEYS}
_COLUMNS = {
    record: ", ".join(f"{_TABLES[record]}.{name}" for name in names) for record, names in _NAMES.items()
}
_MAPPINGS = {Alert: "labels", Silence: "matchers"}


def select(record: type[Record], rest: str) -> str:
    """The query for records of a kind; `rest` begins with "from", or with a comma and more columns."""
    return f"select {columns(record)} {rest}"


def columns(record: type[Record]) -> str:
    """The columns of a record as a query asks for them, in the order of its fields."""
    return _COLUMNS[record]


def width(record: type[Record]) -> int:
    """How many they are."""
    return len(_NAMES[record])


def read(record: type[_Record], row: Sequence[Any]) -> _Record:
    """The record that begins a row, whatever comes behind it."""
    values = dict(zip(_NAMES[record], row, strict=False))
    if name := _MAPPINGS.get(record):
        values[name] = msgspec.json.decode(values[name])
    return msgspec.convert(values, record, strict=False)


def save(connection: sqlite3.Connection, record: _Record, before: _Record | None = None) -> None:
    """Write a record: what differs from `before`, if that was there, else all of it."""
    if before is None or not _update(connection, record, before):
        kind: type[Record] = type(record)
        values = [_sql(getattr(record, name)) for name in _NAMES[kind]]
        connection.execute(_insertion(_TABLES[kind], _NAMES[kind], _KEYS[kind]), values)


def _update(connection: sqlite3.Connection, record: _Record, before: _Record) -> bool:
    """False when there is no such row."""
    kind: type[Record] = type(record)
    names = _NAMES[kind]
    changed: tuple[str, ...] = tuple([n for n in names if getattr(record, n) != getattr(before, n)])
    values = [_sql(getattr(record, name)) for name in (*changed, *_KEYS[kind])]
    return (
        not changed or connection.execute(_change(_TABLES[kind], changed, _KEYS[kind]), values).rowcount > 0
    )


@cache
def _change(table: str, names: tuple[str, ...], keys: tuple[str, ...]) -> str:
    updates = ", ".join(f"{name} = ?" for name in names)
    return f"update {table} set {updates} where {' = ? and '.join(keys)} = ?"  # noqa: S608 names of ours


@cache
def _insertion(table: str, names: tuple[str, ...], keys: tuple[str, ...]) -> str:
    updates = ", ".join(f"{name} = excluded.{name}" for name in names)
    return (
        f"insert into {table} ({', '.join(names)}) values ({', '.join('?' * len(names))})"  # noqa: S608 names of ours
        f" on conflict ({', '.join(keys)}) do update set {updates}"
    )


def _sql(value: object) -> object:
    if isinstance(value, datetime):
        return rfc3339(value)
    return msgspec.json.encode(value).decode() if isinstance(value, Mapping) else value
