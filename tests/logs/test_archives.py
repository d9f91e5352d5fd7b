from __future__ import annotations

from pathlib import Path

import pytest

from app.core.clock import parse_rfc3339
from app.logs.archives import archives, next_archive

NOON = parse_rfc3339("2026-11-23T12:00:00Z")


@pytest.fixture
def live(tmp_path: Path) -> Path:
    """A log file with some lines."""
    live = tmp_path / "app.log"
    live.write_bytes(b'{"n":3}\n{"n":4}\n')
    return live


def archive(live: Path, ending: str, content: bytes = b'{"n":1}\n') -> None:
    live.with_name(f"app.log.{ending}").write_bytes(content)


def numbers(live: Path) -> list[int]:
    return [archive.number for archive in archives(live)]


def test_archives_are_ordered_by_their_number(live: Path):
    """Ten comes after nine, whatever the times in the names are."""
    for ending in ("20261123T120000Z-9.gz", "20200101T000000Z-10.gz", "20261123T130000Z-2"):
        archive(live, ending)
    assert numbers(live) == [2, 9, 10]
    assert next_archive(live, NOON).name == "app.log.20261123T120000Z-11"


def test_the_first_archive_has_number_one(live: Path):
    """A log that was never rotated has no archives."""
    assert numbers(live) == []
    assert next_archive(live, NOON).name == "app.log.20261123T120000Z-1"


def test_other_files_are_no_archives(live: Path):
    """What somebody else has put beside the log is not read and not removed."""
    for ending in ("1", "bak", "20261123T120000Z-1.zst", "20261123-1", "20261123T120000Z-1.gz.part"):
        archive(live, ending)
    assert numbers(live) == []


def test_an_archive_that_is_there_twice_counts_once(live: Path):
    """A kill between compressing and removing leaves both; the compressed one is whole."""
    archive(live, "20261123T120000Z-1")
    archive(live, "20261123T120000Z-1.gz")
    (only,) = archives(live)
    assert only.is_compressed


def test_an_archive_whose_lines_are_still_live_does_not_count(live: Path):
    """A kill between the naming of an archive and the emptying of the file makes no line count twice."""
    archive(live, "20261123T120000Z-1", live.read_bytes())
    assert numbers(live) == []


def test_archives_outlive_the_live_file(live: Path):
    """A log file that was deleted takes its archives with it only when they are deleted too."""
    archive(live, "20261123T120000Z-1")
    live.unlink()
    assert numbers(live) == [1]
