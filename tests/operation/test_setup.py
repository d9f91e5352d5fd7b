"""The setup writes what is missing and leaves what is there."""

from __future__ import annotations

import re
from pathlib import Path

from app.operation.setup import set_up
from app.settings import every_knob, load


def test_the_file_holds_every_setting_and_is_private(tmp_path: Path) -> None:
    """config/production.env mentions each setting once, has mode 0600 and is valid as written."""
    list(set_up(tmp_path))
    path = tmp_path / "config" / "production.env"
    assert path.stat().st_mode & 0o777 == 0o600
    text = path.read_text()
    for _, one in every_knob():
        assert len(re.findall(rf"^#?{one.variable}=", text, re.MULTILINE)) == 1, one.variable
    load(tmp_path, {})


def test_the_token_is_shown_once_and_kept_as_a_hash(tmp_path: Path) -> None:
    """The first run shows a token; the file holds its hash only; the second run shows none."""
    said = "\n".join(set_up(tmp_path))
    token = re.search(r"(atalaia_\S+)", said).group(1)
    assert token not in (tmp_path / "config" / "production.env").read_text()
    assert len(load(tmp_path, {}).access.entries) == 1
    assert "atalaia_" not in "\n".join(set_up(tmp_path))


def test_what_a_person_edited_stays(tmp_path: Path) -> None:
    """A second run keeps the file byte for byte when nothing is missing."""
    list(set_up(tmp_path))
    path = tmp_path / "config" / "production.env"
    path.write_text(path.read_text().replace("#PORT=8000", "PORT=9000 # mine"))
    before = path.read_bytes()
    list(set_up(tmp_path))
    assert path.read_bytes() == before


def test_a_newer_version_adds_its_settings(tmp_path: Path) -> None:
    """A setting that the file does not know is appended with its comment."""
    list(set_up(tmp_path))
    path = tmp_path / "config" / "production.env"
    path.write_text(path.read_text().replace("#BACKUP_TIME=", "#GONE="))
    assert "BACKUP_TIME" in "\n".join(set_up(tmp_path))
    assert "#BACKUP_TIME=02:00" in path.read_text()


def test_folders_are_private(tmp_path: Path) -> None:
    """logs/ and backups/ are made with mode 0700."""
    list(set_up(tmp_path))
    assert {(tmp_path / name).stat().st_mode & 0o777 for name in ("logs", "backups")} == {0o700}
