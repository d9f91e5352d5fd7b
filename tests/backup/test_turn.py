"""One run at a time."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from app.backup.turn import Turn
from app.core.errors import Conflict


def test_second_is_refused_while_the_first_runs(tmp_path: Path):
    """While a run has put up its sign, another is refused at once; afterwards it is let in."""
    lock, sign = tmp_path / "lock", tmp_path / "sign"
    first = Turn(lock, sign)
    sign.touch()
    with pytest.raises(Conflict):
        Turn(lock, sign)
    first.release()
    Turn(lock, sign).release()


def test_releasing_twice_does_nothing(tmp_path: Path):
    """A turn that is over can be released again without harm to who has it now."""
    first = Turn(tmp_path / "lock", tmp_path / "sign")
    first.release()
    second = Turn(tmp_path / "lock", tmp_path / "sign")
    first.release()
    (tmp_path / "sign").touch()
    with pytest.raises(Conflict):
        Turn(tmp_path / "lock", tmp_path / "sign")
    second.release()


def test_forked_child_does_not_keep_it(tmp_path: Path):
    """A child that was forked meanwhile and lives on does not hold the lock."""
    turn = Turn(tmp_path / "lock", tmp_path / "sign")
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(writing)
        os.read(reading, 1)
        os._exit(0)
    turn.release()
    Turn(tmp_path / "lock", tmp_path / "sign").release()
    os.close(writing)
    os.waitpid(child, 0)
    os.close(reading)
