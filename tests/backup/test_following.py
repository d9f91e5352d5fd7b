"""A file that is read while it is written."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from app.backup.archive import writing
from app.backup.codec import GZIP, ZSTD, Codec
from app.backup.following import Decoding
from app.backup.model import CalledOff, Damaged

PIECE = os.urandom(1 << 20)


def nothing() -> None:
    """Nothing keeps it from going on."""


@pytest.mark.parametrize("codec", [GZIP, ZSTD], ids=lambda codec: codec.name)
def test_follower_reads_what_the_writer_writes(tmp_path: Path, codec: Codec):
    """Who begins before there is a file has decoded all of it when it is whole, also under another name."""
    path = tmp_path / "a"
    decoding = Decoding(path, nothing)
    with writing(path, codec) as archive:
        for _ in range(8):
            archive.write(PIECE)
        printed = archive.finish()
    decoding.growth.is_whole()
    path.rename(tmp_path / "b")
    path.touch()
    assert decoding.fingerprint() == printed
    decoding.close()


def test_changed_byte_is_found(tmp_path: Path):
    """What does not stand in the file as it was written is not decoded to the same."""
    path = tmp_path / "a"
    decoding = Decoding(path, nothing)
    path.write_bytes(b"\x1f\x8b and no gzip")
    with pytest.raises(Damaged):
        decoding.fingerprint()
    decoding.close()


def test_follower_ends_with_the_writer(tmp_path: Path):
    """When the file is given up, or nothing may go on, who follows it ends."""

    def ended() -> None:
        raise CalledOff("enough")

    Decoding(tmp_path / "never", nothing).close()
    decoding = Decoding(tmp_path / "never", ended)
    with pytest.raises(CalledOff, match="enough"):
        decoding.fingerprint()
    decoding.close()
    assert "atalaia-decode" not in [thread.name for thread in threading.enumerate()]
