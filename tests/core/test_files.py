"""Files are private, whole, and belong to who runs the server."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from app.core.files import open_private, private_folder, write_whole

SOMEBODY = 54321


def test_a_folder_and_its_parents_are_private_whatever_the_umask(tmp_path: Path) -> None:
    """Each folder that is made has mode 0700; one that was open is closed."""
    (tmp_path / "open").mkdir(mode=0o777)
    before = os.umask(0)
    try:
        private_folder(tmp_path / "open")
        private_folder(tmp_path / "a" / "b")
    finally:
        os.umask(before)
    for folder in ("open", "a", "a/b"):
        assert (tmp_path / folder).stat().st_mode & 0o777 == 0o700


def test_a_file_that_others_could_read_is_closed(tmp_path: Path) -> None:
    """Opening a file of ours makes it 0600."""
    (tmp_path / "file").touch(0o644)
    os.close(open_private(tmp_path / "file", os.O_RDWR))
    assert (tmp_path / "file").stat().st_mode & 0o777 == 0o600


def test_writing_whole_replaces_in_one_step(tmp_path: Path) -> None:
    """The file has the new content, is private, and no part is left beside it."""
    path = tmp_path / "state"
    write_whole(path, b"old")
    write_whole(path, b"new")
    assert path.read_bytes() == b"new"
    assert [one.name for one in tmp_path.iterdir()] == ["state"]
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can write for somebody else")
def test_what_root_makes_belongs_to_the_owner_of_the_folder(tmp_path: Path) -> None:
    """A command run by root leaves no file that the server's user cannot open."""
    home = tmp_path / "home"
    home.mkdir()
    os.chown(home, SOMEBODY, SOMEBODY)
    folder = private_folder(home / "logs")
    os.close(open_private(folder / "journal", os.O_RDWR | os.O_CREAT))
    assert folder.stat().st_uid == SOMEBODY
    assert (folder / "journal").stat().st_uid == SOMEBODY
