"""A poll costs nothing while nothing is written, and misses nothing that is."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.core.database import OFFSETS, Database, fold
from app.core.journal import Journal
from app.core.poll import JournalLook, Poll
from app.testing import FrozenClock


class Desk:
    """A journal that is folded by polls, each of which is counted when it opens the database."""

    def __init__(self, folder: Path, clock: FrozenClock) -> None:
        self.folder, self.clock, self.works = folder, clock, 0
        self.journal = Journal("poll")
        self.journal.open(folder, clock)
        self.database = Database(folder / "folded.sqlite", (OFFSETS,))
        self._poll = Poll(JournalLook(folder, clock), self.database.look)

    def poll(self) -> int:
        return self._poll(self._work)

    def settle(self) -> None:
        """Poll until it is quiet."""
        while self.poll():
            pass
        self.poll()
        self.works = 0

    def _work(self) -> int:
        self.works += 1
        return fold(self.database, self.folder, lambda *_: None)


@pytest.fixture
def desk(tmp_path: Path, clock: FrozenClock):
    desk = Desk(tmp_path / "journal", clock)
    yield desk
    desk.journal.close()
    desk.database.close()


def test_a_quiet_folder_is_left_alone(desk: Desk) -> None:
    """After everything was taken in, polls do no work."""
    desk.journal.append({"n": 1})
    desk.settle()
    assert [desk.poll() for _ in range(5)] == [0] * 5
    assert desk.works == 0


def test_every_line_is_found_by_the_next_poll(desk: Desk) -> None:
    """Also one that comes right after another."""
    desk.settle()
    for number in range(50):
        desk.journal.append({"n": number})
        assert desk.poll() == 1


def test_another_process_file_is_found(desk: Desk) -> None:
    """A file that did not exist when the folder was listed."""
    desk.journal.append({"n": 1})
    desk.settle()
    (desk.folder / "2026-11-23.99-abcd.jsonl").write_bytes(b"{}\n")
    assert desk.poll() == 1


def test_the_next_day_is_found(desk: Desk) -> None:
    """The file of a new day, and what the old one got at its end."""
    desk.journal.append({"n": 1})
    desk.settle()
    desk.journal.append({"n": 2})
    desk.clock.advance(days=3)
    desk.journal.append({"n": 3})
    assert desk.poll() == 2


def test_a_deleted_database_is_made_again(desk: Desk) -> None:
    """From the lines that are there, although none of them is new."""
    desk.journal.append({"n": 1})
    desk.settle()
    for path in desk.folder.glob("folded.sqlite*"):
        path.unlink()
    assert desk.poll() == 1


def test_what_another_process_takes_back_is_taken_in_again(desk: Desk) -> None:
    """As after a rebuild, which may end behind what was folded meanwhile."""
    desk.journal.append({"n": 1})
    desk.settle()
    with desk.database.write() as connection:
        connection.execute("delete from journal_offset")
    assert desk.poll() == 1


def test_a_failure_is_tried_again() -> None:
    """Work that raised has not found nothing."""
    tries = []

    def fail() -> int:
        tries.append(1)
        raise NotADirectoryError

    poll = Poll(lambda: "as ever")
    for _ in range(3):
        with pytest.raises(NotADirectoryError):
            poll(fail)
    assert len(tries) == 3


def test_old_days_cost_nothing(desk: Desk) -> None:
    """A look asks the folder and the files of today, not those of a year."""
    desk.journal.append({"n": 1})
    for day in range(300):
        (desk.folder / f"2026-{1 + day // 30:02d}-{1 + day % 28:02d}.{day}-ab.jsonl").touch()
    folder, growing = JournalLook(desk.folder, desk.clock)()
    assert folder is not None
    assert len(growing) == 1
