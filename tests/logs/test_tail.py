from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

from app.logs.files import FileSink
from app.logs.rotation import Rotation
from app.logs.tail import follow
from app.testing import FrozenClock

from .conftest import LINE_BYTES, MakeSink, write_all


class Script:
    """What happens to a log while it is followed: one step each time the follower waits."""

    def __init__(self, *steps: Callable[[], object]) -> None:
        self._steps = list(steps)

    def __call__(self, _seconds: float) -> bool:
        if not self._steps:
            return True
        self._steps.pop(0)()
        return False


def followed(path: Path, *steps: Callable[[], object], last: int = 0) -> list[int]:
    """The numbers of the lines that a follower shows until the script is over."""
    return [json.loads(line)["n"] for line in follow(path, last, Script(*steps))]


def rotate(sink: FileSink) -> None:
    Rotation(sink.path, 1, 100, FrozenClock()).run()


def test_lines_are_shown_as_they_come(make_sink: MakeSink):
    """Only what comes after the beginning is shown."""
    sink = make_sink()
    write_all(sink, range(3))
    steps = (lambda: write_all(sink, range(3, 5)), lambda: write_all(sink, range(5, 6)))
    assert followed(sink.path, *steps) == [3, 4, 5]


def test_the_last_lines_can_be_shown_first(make_sink: MakeSink):
    """As many lines as are asked for, or as there are."""
    sink = make_sink()
    write_all(sink, range(2_000), padding=LINE_BYTES)
    assert followed(sink.path, last=1_000) == list(range(1_000, 2_000))
    assert followed(sink.path, last=5_000) == list(range(2_000))


def test_rotations_hide_no_line(make_sink: MakeSink):
    """Lines that were cut off before they were seen are shown from the archives, then the newer ones."""
    sink = make_sink()
    write_all(sink, range(1))

    def write_and_rotate() -> None:
        for first in (10, 20, 30):
            write_all(sink, range(first, first + 10))
            rotate(sink)
        write_all(sink, range(40, 50))

    assert followed(sink.path, lambda: write_all(sink, range(1, 10)), write_and_rotate) == list(range(1, 50))


def test_a_file_that_grew_past_the_old_place_is_not_mistaken(make_sink: MakeSink):
    """A rotation is noticed even when the new file is longer than the old one was."""
    sink = make_sink()
    write_all(sink, range(5))

    def rotate_and_write_more() -> None:
        rotate(sink)
        write_all(sink, range(5, 100), padding=LINE_BYTES)

    assert followed(sink.path, rotate_and_write_more) == list(range(5, 100))


def test_a_moved_file_is_read_to_its_end(make_sink: MakeSink):
    """After an external logrotate the rest of the old file is shown, then the new one."""
    sink = make_sink()
    write_all(sink, range(5))

    def move() -> None:
        write_all(sink, range(5, 7))
        sink.path.rename(sink.path.with_name("app.log.1"))
        write_all(sink, range(7, 9))

    assert followed(sink.path, move, lambda: None) == [5, 6, 7, 8]


def test_an_emptied_file_is_read_from_its_start(make_sink: MakeSink):
    """After logrotate's copytruncate the new lines are shown."""
    sink = make_sink()
    write_all(sink, range(5))

    def empty() -> None:
        os.truncate(sink.path, 0)
        write_all(sink, range(5, 7))

    assert followed(sink.path, empty) == [5, 6]


def test_a_file_that_does_not_exist_yet_is_awaited(make_sink: MakeSink):
    """Following may begin before the first line."""
    sink = make_sink()
    assert followed(sink.path, lambda: None, lambda: write_all(sink, range(2))) == [0, 1]


def test_half_a_line_is_awaited(make_sink: MakeSink):
    """A line is shown when it has its end."""
    sink = make_sink()
    sink.open()

    def append(text: str) -> Callable[[], object]:
        def step() -> None:
            with sink.path.open("a") as file:
                file.write(text)

        return step

    assert followed(sink.path, append('{"n"'), append(":1}\n")) == [1]
