"""Whether a file is what was written."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from app.backup.model import Damaged
from app.backup.tools import choose, installed
from app.backup.verify import compare, tables_in, verify

from .samples import flip_a_bit, write_archive
from .server import CONTENT, Server
from .test_dump import dumped


def test_sound_file_passes(tmp_path: Path):
    """A file that is what was written passes, and the share that is done is told up to all of it."""
    told: list[float] = []
    verify(tmp_path / "a", write_archive(tmp_path / "a", os.urandom(1 << 20)), told.append)
    assert told == sorted(told)
    assert told[-1] == 1.0


def test_flipped_bit_is_found(tmp_path: Path):
    """One flipped bit is enough."""
    printed = write_archive(tmp_path / "a")
    flip_a_bit(tmp_path / "a")
    with pytest.raises(Damaged):
        verify(tmp_path / "a", printed, lambda _: None)


def test_exchanged_file_is_found(tmp_path: Path):
    """A sound file of the same size that is another one is not taken for the backup."""
    printed = write_archive(tmp_path / "a", b"one")
    write_archive(tmp_path / "b", b"two")
    with pytest.raises(Damaged, match="sha256, raw_xxh3_128 differ"):
        verify(tmp_path / "b", printed, lambda _: None)


def test_other_size_is_told(tmp_path: Path):
    """A file with another size is told by its sizes, before it is read."""
    printed = write_archive(tmp_path / "a")
    os.truncate(tmp_path / "a", 5)
    with pytest.raises(Damaged, match=f"has 5 bytes, {printed.size_bytes} were written"):
        verify(tmp_path / "a", printed, lambda _: None)


def test_comparison_names_what_differs(tmp_path: Path):
    """The fact names every figure that differs."""
    printed = write_archive(tmp_path / "a")
    with pytest.raises(Damaged, match="raw_bytes differ"):
        compare(printed, replace(printed, raw_bytes=0))


def test_tables_are_listed(server: Server, tmp_path: Path):
    """The tables whose data are in a dump are told by schema and name."""
    server.make(content=CONTENT)
    dumped(server, tmp_path / "a")
    tables = tables_in(tmp_path / "a", choose(installed(), at_least=18, tls=False))
    assert {"public.messages", "public.bookings_2026", "public.hot_leads"} <= set(tables)
    assert len(tables) == 6


def test_what_is_no_dump_has_no_contents(tmp_path: Path):
    """A sound gzip file with something else in it is found when pg_restore reads its contents."""
    write_archive(tmp_path / "a")
    with pytest.raises(Damaged, match="table of contents"):
        tables_in(tmp_path / "a", choose(installed(), at_least=18, tls=False))
