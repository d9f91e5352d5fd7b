"""The compressions of a backup's file, and the programs of others that unpack them."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
from pathlib import Path

import pytest

from app.backup.archive import reading, writing
from app.backup.codec import CHUNK_BYTES, CODECS, GZIP, ZSTD, Codec, codec_of
from app.backup.model import Damaged, Fingerprint

every_codec = pytest.mark.parametrize("codec", CODECS.values(), ids=list(CODECS))
RAW = random.Random(3).randbytes(700) * 4_000


def write(path: Path, codec: Codec, raw: bytes = RAW) -> Fingerprint:
    """A file with these raw bytes in it."""
    with writing(path, codec) as archive:
        archive.write(raw)
        return archive.finish()


def read(path: Path) -> Fingerprint:
    """What a file is, read to its end."""
    with reading(path) as archive:
        for _ in archive.chunks():
            pass
        return archive.fingerprint()


@every_codec
def test_what_is_written_is_read(codec: Codec, tmp_path: Path):
    """A file is read as what it was written, whatever the setting says meanwhile and whatever its name."""
    told = write(tmp_path / "a", codec)
    assert read(tmp_path / "a") == told


@every_codec
def test_chunks_stay_small(codec: Codec, tmp_path: Path):
    """However much a few bytes stand for, no more than 1 MiB is unpacked at once."""
    write(tmp_path / "a", codec, bytes(64 << 20))
    with reading(tmp_path / "a") as archive:
        assert max(map(len, archive.chunks())) == CHUNK_BYTES


@every_codec
def test_programs_of_others_unpack_it(codec: Codec, tmp_path: Path):
    """gunzip and zstd give back what went in, and find the checksum in the file right."""
    program = codec.tool.split()[0]
    if not shutil.which(program):
        pytest.skip(f"there is no {program}")
    path = tmp_path / f"a{codec.suffix}"
    write(path, codec)
    assert subprocess.run([*codec.tool.split(), "-c", path], stdout=subprocess.PIPE, check=True).stdout == RAW
    subprocess.run([program, "-t", path], check=True, stderr=subprocess.DEVNULL)


@every_codec
def test_every_truncation_is_noticed(codec: Codec, tmp_path: Path):
    """A file cut off at any length does not decode."""
    write(tmp_path / "a", codec, RAW[:2_000])
    content = (tmp_path / "a").read_bytes()
    for length in range(len(content)):
        (tmp_path / "a").write_bytes(content[:length])
        with pytest.raises(Damaged):
            read(tmp_path / "a")


@every_codec
def test_flipped_bits_are_noticed(codec: Codec, tmp_path: Path):
    """A file with one bit flipped does not decode, or is another by its fingerprint."""
    told = write(tmp_path / "a", codec, RAW[:1_400])
    content = (tmp_path / "a").read_bytes()
    for position in range(0, len(content) * 8, 3):
        changed = bytearray(content)
        changed[position // 8] ^= 1 << position % 8
        (tmp_path / "a").write_bytes(changed)
        try:
            assert read(tmp_path / "a") != told
        except Damaged:
            continue


def test_zstd_frame_finds_its_own_damage(tmp_path: Path):
    """A flipped bit in stored content, which decodes as well as any, breaks the checksum of the frame."""
    write(tmp_path / "a", ZSTD, os.urandom(5_000))
    content = bytearray((tmp_path / "a").read_bytes())
    content[2_500] ^= 1
    (tmp_path / "a").write_bytes(content)
    with pytest.raises(Damaged, match="zstd stream is broken"):
        read(tmp_path / "a")


@every_codec
def test_added_bytes_are_noticed(codec: Codec, tmp_path: Path):
    """A file that has grown does not end where it should."""
    write(tmp_path / "a", codec)
    (tmp_path / "a").write_bytes((tmp_path / "a").read_bytes() * 2)
    with pytest.raises(Damaged):
        read(tmp_path / "a")


def test_codec_is_told_by_the_first_bytes():
    """What is neither is damage."""
    assert codec_of(b"\x1f\x8b\x08") is GZIP
    assert codec_of(b"\x28\xb5\x2f\xfd\x04") is ZSTD
    with pytest.raises(Damaged, match="neither"):
        codec_of(b"PGDMP")
