"""What is in the data of a dump, read from pg_dump's own text: rows by table, sequences, large objects."""

from __future__ import annotations

import re
from binascii import unhexlify
from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Protocol

from .archive import xxh3_128
from .model import Damaged
from .truth import Rows, Truth

METHOD = "dump"
_END = b"\n\\.\n"
_QUOTED = re.compile(rb"'[^']*'|\"[^\"]*\"")
_COPY = re.compile(rb'COPY ((?:"(?:[^"]|"")*"|[^\s"(])+) .*FROM stdin;\n', re.DOTALL)
_SETVAL = re.compile(rb"SELECT pg_catalog\.setval\('(.+)', (-?\d+), (true|false)\);\n", re.DOTALL)
_OPEN = re.compile(rb"SELECT pg_catalog\.lo_open\('(\d+)', \d+\);\n")
_PIECE = b"SELECT pg_catalog.lowrite(0, '\\x"
_CLOSE = b"SELECT pg_catalog.lo_close(0);\n"
_PART = re.compile(rb'("(?:[^"]|"")*")|([^."]+)')
_HALF = Decimal("0.5")
_WHOLE = 1 << 128


class Content(Protocol):
    """What makes one value of the rows of a table."""

    def update(self, lines: bytes, /) -> None:
        """Some more of them; a piece may end in the middle of a line."""

    def hexdigest(self) -> str: ...


class Unordered:
    """A sum of the hashes of lines, to which their order means nothing."""

    def __init__(self) -> None:
        self._sum = 0
        self._line = xxh3_128()

    def update(self, lines: bytes, /) -> None:
        first, *others = lines.split(b"\n")
        self._line.update(first)
        if not others:
            return
        *whole, last = others
        done = self._line.intdigest() + sum(xxh3_128(line).intdigest() for line in whole)
        self._sum = (self._sum + done) % _WHOLE
        self._line = xxh3_128(last)

    def hexdigest(self) -> str:
        return f"{self._sum:032x}"


def in_order(_table: str) -> Content:
    """The hash of the lines as they stand there."""
    return xxh3_128()


def told(text: Iterable[bytes], content: Callable[[str], Content] = in_order) -> Truth:
    """Of pg_dump's (or pg_restore's) text of the data alone; `content` makes the hash for a table.

    A sequence whose first number has not been given out yet is told half a step before that.
    Damaged for a text that ends in the middle.
    """
    return _Reader(text, content).truth()


class _Reader:
    """Holds a few chunks at most, whatever the length of a row."""

    def __init__(self, text: Iterable[bytes], content: Callable[[str], Content]) -> None:
        self._chunks = iter(text)
        self._content = content
        self._held = b""
        self._tables: dict[str, Rows] = {}
        self._sequences: dict[str, tuple[str, str]] = {}
        self._objects, self._sum = 0, 0

    def truth(self) -> Truth:
        while statement := self._statement():
            if found := _COPY.fullmatch(statement):
                name = _plain(found[1])
                self._tables[name] = self._rows(self._content(name))
            elif found := _SETVAL.fullmatch(statement):
                place = str(Decimal(found[2].decode()) - (0 if found[3] == b"true" else _HALF))
                self._sequences[_plain(found[1].replace(b"''", b"'"))] = (place, place)
            elif found := _OPEN.fullmatch(statement):
                self._object(found[1])
        objects = Rows(self._objects, f"{self._sum:032x}")
        return Truth(METHOD, self._tables, self._sequences, objects, {})

    def _rows(self, content: Content) -> Rows:
        """Everything to the line that ends the data."""
        # Because that line may be the first, the newline before it is put in front, and passed over.
        held, begin, count = b"\n" + self._held, 1, 0
        while (end := held.find(_END)) < 0:
            if (sure := len(held) - len(_END) + 1) > begin:
                content.update(held[begin:sure])
                count += held.count(b"\n", begin, sure)
                held, begin = held[sure:], 0
            held += self._chunk()
        content.update(held[begin : end + 1])
        count += held.count(b"\n", begin, end + 1)
        self._held = held[end + len(_END) :]
        return Rows(count, content.hexdigest())

    def _object(self, number: bytes) -> None:
        """To its end; by its number and content, however it is cut in pieces."""
        content = xxh3_128(number + b":")
        while (line := self._line()) != _CLOSE:
            if not line.startswith(_PIECE):
                raise Damaged("the data of a large object end in the middle")
            content.update(unhexlify(line[len(_PIECE) : line.rindex(b"'")]))
        self._objects += 1
        self._sum = (self._sum + content.intdigest()) % _WHOLE

    def _statement(self) -> bytes:
        """The next one, without comments and psql's own commands; empty at the end."""
        statement = b""
        while line := self._line():
            if statement or not (line == b"\n" or line.startswith((b"--", b"\\"))):
                statement += line
                bare = _QUOTED.sub(b"", statement)
                if bare.endswith(b";\n") and b"'" not in bare and b'"' not in bare:
                    return statement
        if statement:
            raise Damaged("the text of its data ends in the middle")
        return b""

    def _line(self) -> bytes:
        while (end := self._held.find(b"\n")) < 0:
            chunk = next(self._chunks, b"")
            if not chunk:
                end = len(self._held)
                break
            self._held += chunk
        line, self._held = self._held[: end + 1], self._held[end + 1 :]
        return line

    def _chunk(self) -> bytes:
        chunk = next(self._chunks, b"")
        if not chunk:
            raise Damaged("the rows of a table end in the middle")
        return chunk


def _plain(name: bytes) -> str:
    """The name without its quotes; a schema's name first."""
    parts = [quoted[1:-1].replace(b'""', b'"') if quoted else bare for quoted, bare in _PART.findall(name)]
    return b".".join(parts).decode(errors="replace")
