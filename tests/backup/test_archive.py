"""The file of a backup, bit by bit."""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import random
import resource
from pathlib import Path

import pytest

from app.backup.archive import CHUNK_BYTES, ArchiveReader, reading, writing
from app.backup.model import Damaged, Fingerprint

from .samples import write_archive


def read(path: Path) -> Fingerprint:
    """Read a file to its end."""
    with reading(path) as archive:
        for _ in archive.chunks():
            pass
        return archive.fingerprint()


def decodes_to(content: bytes, told: Fingerprint) -> bool:
    """True when the content of a file is taken for what was written."""
    archive = ArchiveReader(io.BytesIO(content))
    try:
        for _ in archive.chunks():
            pass
    except Damaged:
        return False
    return archive.fingerprint() == told


def test_fingerprint_is_that_of_the_file(tmp_path: Path):
    """Reading tells the same as writing, and both tell what sha256sum and gunzip tell."""
    path, raw = tmp_path / "a", os.urandom(3 << 20)
    told = write_archive(path, raw)
    assert read(path) == told
    assert (told.size_bytes, told.raw_bytes) == (path.stat().st_size, len(raw))
    assert told.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert gzip.decompress(path.read_bytes()) == raw


def test_disk_begins_before_the_end(tmp_path: Path):
    """A file of which the disk has got parts while it was written is read as it was written."""
    path = tmp_path / "a"
    told = write_archive(path, random.Random(5).randbytes(20 << 20))
    assert told.size_bytes > 20 << 20
    assert read(path) == told


def test_file_is_private_whatever_the_umask(tmp_path: Path):
    """Nobody else can read a backup, even with a umask that hides nothing."""
    before = os.umask(0)
    try:
        write_archive(tmp_path / "a")
    finally:
        os.umask(before)
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o600


def test_existing_file_is_not_overwritten(tmp_path: Path):
    """A file or link that is there already is never written to."""
    (tmp_path / "a").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(FileExistsError):
        write_archive(tmp_path / "a")


def test_chunks_stay_small(tmp_path: Path):
    """However much a few bytes stand for, no more than 1 MiB is unpacked at once."""
    write_archive(tmp_path / "a", bytes(64 << 20))
    with reading(tmp_path / "a") as archive:
        assert max(map(len, archive.chunks())) == CHUNK_BYTES


def test_every_truncation_is_noticed(tmp_path: Path):
    """A file cut off at any length does not decode."""
    told = write_archive(tmp_path / "a")
    content = (tmp_path / "a").read_bytes()
    assert decodes_to(content, told)
    for length in range(len(content)):
        assert not decodes_to(content[:length], told)


def test_every_flipped_bit_is_noticed(tmp_path: Path):
    """A file with one bit flipped either does not decode or has another fingerprint."""
    told = write_archive(tmp_path / "a", random.Random(7).randbytes(700) * 3)
    content = (tmp_path / "a").read_bytes()
    for position in range(len(content) * 8):
        changed = bytearray(content)
        changed[position // 8] ^= 1 << position % 8
        assert not decodes_to(bytes(changed), told)


def test_added_bytes_are_noticed(tmp_path: Path):
    """A file that has grown does not end where it should."""
    path = tmp_path / "a"
    write_archive(path)
    path.write_bytes(path.read_bytes() * 2)
    with pytest.raises(Damaged, match="does not end"):
        read(path)


def test_missing_file_is_damage(tmp_path: Path):
    """A backup whose file is gone is damaged."""
    with pytest.raises(Damaged, match="gone"):
        read(tmp_path / "a")


def test_full_disk_is_an_error(tmp_path: Path):
    """When the disk takes no more, writing fails and closing does not fail again."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    try:
        with pytest.raises(OSError, match="large"), writing(tmp_path / "a") as archive:
            archive.write(os.urandom(1 << 20))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
