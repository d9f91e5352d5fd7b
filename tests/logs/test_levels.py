from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.core.errors import Conflict, InputRejected, NotFound
from app.logs.levels import LevelFile, Levels
from app.testing import FrozenClock

NAME = "levels_test.orders"


@pytest.fixture
def file(tmp_path: Path, clock: FrozenClock) -> LevelFile:
    return LevelFile(tmp_path / "logs" / ".levels.json", clock)


@pytest.fixture
def levels(file: LevelFile, clock: FrozenClock) -> Iterator[Levels]:
    """As they hold in this process; given back afterwards."""
    levels = Levels(file, clock, "INFO")
    yield levels
    levels.stop()


@pytest.fixture
def logger() -> logging.Logger:
    logger = logging.getLogger(NAME)
    logger.setLevel(logging.WARNING)
    return logger


def test_a_level_holds_in_every_process_that_follows(
    file: LevelFile, levels: Levels, clock: FrozenClock, logger: logging.Logger
):
    """Whoever has changed it, the logger and its children have it after the next look."""
    LevelFile(file._path, clock).set(NAME, "debug", 60, "maria")
    levels.follow()
    assert logger.level == logging.DEBUG
    assert logging.getLogger(f"{NAME}.paid").isEnabledFor(logging.DEBUG)


def test_it_ends_by_itself(file: LevelFile, levels: Levels, clock: FrozenClock, logger: logging.Logger):
    """At its expiry the level before is there again, and the list is empty."""
    file.set(NAME, "DEBUG", 60, "")
    levels.follow()
    clock.advance(seconds=61)
    levels.follow()
    assert logger.level == logging.WARNING
    assert file.active() == {}


def test_it_can_be_changed_and_taken_back(
    file: LevelFile, levels: Levels, clock: FrozenClock, logger: logging.Logger
):
    """The level before is that before the first change."""
    file.set(NAME, "DEBUG", 60, "")
    levels.follow()
    file.set(NAME, "ERROR", 60, "")
    levels.follow()
    assert logger.level == logging.ERROR
    file.take_back(NAME)
    levels.follow()
    assert logger.level == logging.WARNING


def test_it_survives_a_restart(file: LevelFile, clock: FrozenClock, logger: logging.Logger):
    """What stands in the file holds in a process that begins later."""
    file.set(NAME, "DEBUG", 60, "")
    later = Levels(file, clock, "INFO")
    later.follow()
    assert logger.level == logging.DEBUG
    later.stop()
    assert logger.level == logging.WARNING


def test_a_level_that_the_application_chose_meanwhile_stays(
    file: LevelFile, levels: Levels, clock: FrozenClock, logger: logging.Logger
):
    """Only what was set here is taken back."""
    file.set(NAME, "DEBUG", 60, "")
    levels.follow()
    logger.setLevel(logging.CRITICAL)
    file.take_back(NAME)
    levels.follow()
    assert logger.level == logging.CRITICAL


def test_the_root_logger_has_a_name(file: LevelFile, levels: Levels, clock: FrozenClock):
    """`root` means the top of all."""
    before = logging.getLogger().level
    file.set("root", "ERROR", 60, "")
    levels.follow()
    assert logging.getLogger().level == logging.ERROR
    levels.stop()
    assert logging.getLogger().level == before


def test_the_file_is_read_by_its_owner_only(file: LevelFile):
    """As everything in the folder of the logs."""
    file.set(NAME, "DEBUG", 60, "")
    assert file._path.stat().st_mode & 0o777 == 0o600


def test_a_broken_file_changes_nothing(
    file: LevelFile, levels: Levels, clock: FrozenClock, logger: logging.Logger
):
    """What a person has spoilt counts as empty, and is replaced by the next change."""
    file._path.parent.mkdir(mode=0o700)
    file._path.write_text("{half")
    levels.follow()
    assert logger.level == logging.WARNING
    file.set(NAME, "DEBUG", 60, "")
    levels.follow()
    assert logger.level == logging.DEBUG


@pytest.mark.parametrize(
    ("logger", "level", "seconds"),
    [
        ("app.*", "DEBUG", 60),
        ("", "DEBUG", 60),
        ("a" * 201, "DEBUG", 60),
        ("app", "LOUD", 60),
        ("app", "DEBUG", 0),
        ("app", "DEBUG", 604_801),
        ("app", "DEBUG", float("nan")),
    ],
)
def test_what_means_nothing_is_rejected(file: LevelFile, logger: str, level: str, seconds: float):
    """With a hint, and nothing is written."""
    with pytest.raises(InputRejected) as rejected:
        file.set(logger, level, seconds, "")
    assert rejected.value.hint
    assert file.signature is None


def test_what_is_not_there_cannot_be_taken_back(file: LevelFile):
    """A logger without an override is not found."""
    with pytest.raises(NotFound):
        file.take_back("app.orders")


def test_their_number_is_bounded(file: LevelFile):
    """More than a hundred loggers are refused."""
    for number in range(100):
        file.set(f"app.n{number}", "DEBUG", 60, "")
    with pytest.raises(Conflict):
        file.set("app.more", "DEBUG", 60, "")
    assert len(file.active()) == 100
