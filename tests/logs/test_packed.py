from __future__ import annotations

import gzip
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from app.logs.packed import Packed, pack

LINES = b"".join(b'{"n":%d,"padding":"%d"}\n' % (number, number**40) for number in range(40_000))


@contextmanager
def opened(path: Path) -> Iterator[Packed]:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        yield Packed(descriptor)
    finally:
        os.close(descriptor)


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """LINES, packed into several members."""
    plain, packed = tmp_path / "plain", tmp_path / "packed.gz"
    plain.write_bytes(LINES)
    with plain.open("rb") as source, packed.open("wb") as target:
        pack(source, target)
    return packed


def test_every_gzip_program_reads_it(archive: Path):
    """The members are one file for others."""
    assert gzip.decompress(archive.read_bytes()) == LINES


def test_it_is_read_in_either_direction_from_any_offset(archive: Path):
    """Blocks hold whole lines, and know their offsets."""
    middle = LINES.index(b"\n", len(LINES) // 2) + 1
    with opened(archive) as packed:
        assert packed.size == len(LINES)
        blocks = list(packed.backwards(middle))
        assert len(blocks) > 1
        assert b"".join(block.data for block in reversed(blocks)) == LINES[:middle]
        assert b"".join(block.data for block in packed.forwards(middle)) == LINES[middle:]
        assert all(LINES.startswith(block.data, block.start) for block in blocks)
        assert all(block.data.endswith(b"\n") for block in blocks)


def test_what_other_programs_packed_is_read_too(tmp_path: Path):
    """One member without our mark is unpacked as a whole."""
    path = tmp_path / "foreign.gz"
    path.write_bytes(gzip.compress(LINES))
    with opened(path) as packed:
        assert b"".join(block.data for block in packed.forwards(100)) == LINES[100:]
        assert packed.damaged == 0


def test_a_cut_off_archive_gives_its_whole_lines(archive: Path):
    """What comes before the damage is there, and the damage is counted."""
    os.truncate(archive, archive.stat().st_size * 2 // 3)
    with opened(archive) as packed:
        found = b"".join(block.data for block in packed.forwards(0))
        assert packed.damaged == 1
    assert LINES.startswith(found)
    assert len(found) > len(LINES) // 2
    assert found.endswith(b"\n")


def test_a_flipped_bit_costs_one_member(archive: Path):
    """The members before and behind a damaged one are read."""
    damaged = bytearray(archive.read_bytes())
    damaged[len(damaged) // 2] ^= 1
    archive.write_bytes(damaged)
    with opened(archive) as packed:
        blocks = [block.data for block in packed.forwards(0)]
        assert packed.damaged == 1
    assert LINES.startswith(blocks[0])
    assert LINES.endswith(blocks[-1])


def test_nothing_is_in_an_empty_one(tmp_path: Path):
    """An empty file has no blocks."""
    (tmp_path / "empty.gz").touch()
    with opened(tmp_path / "empty.gz") as packed:
        assert (packed.size, list(packed.backwards(0)), list(packed.forwards(0))) == (0, [], [])
