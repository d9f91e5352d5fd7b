"""From a pipe into an archive."""

from __future__ import annotations

import io
import subprocess
import time
from pathlib import Path

import pytest

from app.backup.archive import writing
from app.backup.pour import pour
from app.backup.throttle import UNLIMITED, Throttle
from app.core.errors import AtalaiaError


def poured(path: Path, command: list[str], throttle: Throttle = UNLIMITED) -> tuple[int, float]:
    """What a program writes, into a file; returns the raw bytes, and the seconds that took."""
    began = time.monotonic()
    with subprocess.Popen(command, stdout=subprocess.PIPE) as program, writing(path) as archive:
        assert isinstance(program.stdout, io.BufferedReader)
        pour(program.stdout, archive, throttle, lambda _: None)
        return archive.raw_bytes, time.monotonic() - began


def test_everything_arrives(tmp_path: Path):
    """A pipe is taken to its last byte, whatever the size of its pieces."""
    assert poured(tmp_path / "a", ["head", "-c", "5000001", "/dev/zero"])[0] == 5_000_001
    assert poured(tmp_path / "b", ["true"])[0] == 0


def test_limit_is_kept(tmp_path: Path):
    """Four megabytes at ten a second take nearly half a second, less what the first piece is ahead."""
    size, seconds = poured(tmp_path / "a", ["head", "-c", "4000000", "/dev/zero"], Throttle(10_000_000, 60))
    assert (size, seconds >= 0.39) == (4_000_000, True)


def test_limit_ends_with_its_time(tmp_path: Path):
    """What would take an hour is read at once when the throttle's time is over."""
    assert poured(tmp_path / "a", ["head", "-c", "4000000", "/dev/zero"], Throttle(1_000, 0.2))[1] < 10


def test_waiting_can_be_ended(tmp_path: Path):
    """Who is told of the progress can end it while it waits."""

    def enough(_: int) -> None:
        raise AtalaiaError("enough")

    zeros = ["head", "-c", "4000000", "/dev/zero"]
    with subprocess.Popen(zeros, stdout=subprocess.PIPE) as program, writing(tmp_path / "a") as archive:
        assert program.stdout is not None
        with pytest.raises(AtalaiaError, match="enough"):
            pour(program.stdout, archive, Throttle(1, 3_600), enough)
        program.kill()
