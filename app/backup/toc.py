"""The table of contents of an archive of pg_dump: what is in it, whose it is, and how it is made."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from .model import Damaged

_MAGIC = b"PGDMP"
_CUSTOM = 1
_DATE_FIELDS = 7
# Of PostgreSQL 10 and newer; one that is newer still may stand for another order of fields.
_OLDEST, _NEWEST = (1, 13), (1, 16)
_WITH_METHOD, _WITH_COMPRESSION, _WITH_RELKIND = (1, 14), (1, 15), (1, 16)


class Entry(NamedTuple):
    """One thing of the archive; `drop` is the statement that would remove it, `needs` are other numbers."""

    number: int
    kind: str
    namespace: str
    name: str
    owner: str
    definition: str
    drop: str
    needs: frozenset[int]


def entries(chunks: Iterable[bytes]) -> Iterator[Entry]:
    """Every entry in its order, from the first bytes of an archive; no more is taken than they need.

    Damaged for what is no such archive, or is of a version that is not known here. Bytes that are no
    UTF-8 come as surrogates, so that they go back to a server as they were.
    """
    return _Reader(chunks).entries()


class _Reader:
    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = iter(chunks)
        self._held = bytearray()
        self._at = 0
        self._int_bytes = self._offset_bytes = 0
        self._version = (0, 0)

    def entries(self) -> Iterator[Entry]:
        self._head()
        for _ in range(self._int()):
            yield self._entry()

    def _head(self) -> None:
        if self._take(len(_MAGIC)) != _MAGIC:
            raise Damaged("what is in its file is no archive of pg_dump")
        major, minor, _, self._int_bytes, self._offset_bytes, form = self._take(6)
        self._version = (major, minor)
        if form != _CUSTOM or not _OLDEST <= self._version <= _NEWEST:
            raise Damaged(f"its archive is of a form that is not known here ({major}.{minor})")
        if self._version >= _WITH_COMPRESSION:
            self._take(1)
        else:
            self._int()
        for _ in range(_DATE_FIELDS):
            self._int()
        for _ in ("database", "server's version", "pg_dump's version"):
            self._text()

    def _entry(self) -> Entry:
        number, _, _, _ = self._int(), self._int(), self._text(), self._text()
        name, kind, _ = self._text(), self._text(), self._int()
        definition, drop, _ = self._text(), self._text(), self._text()
        namespace, _ = self._text(), self._text()
        if self._version >= _WITH_METHOD:
            self._text()
        if self._version >= _WITH_RELKIND:
            self._int()
        owner, _ = self._text(), self._text()
        needs = []
        while number_of_other := self._text():
            needs.append(int(number_of_other))
        self._take(1 + self._offset_bytes)
        return Entry(number, kind, namespace, name, owner, definition, drop, frozenset(needs))

    def _int(self) -> int:
        sign, *_ = raw = self._take(1 + self._int_bytes)
        number = int.from_bytes(raw[1:], "little")
        return -number if sign else number

    def _text(self) -> str:
        """Empty for none, too."""
        length = self._int()
        return self._take(length).decode("utf-8", errors="surrogateescape") if length > 0 else ""

    def _take(self, size: int) -> bytes:
        while len(self._held) - self._at < size:
            chunk = next(self._chunks, b"")
            if not chunk:
                raise Damaged("its table of contents is cut off")
            del self._held[: self._at]
            self._at = 0
            self._held += chunk
        self._at += size
        return bytes(self._held[self._at - size : self._at])
