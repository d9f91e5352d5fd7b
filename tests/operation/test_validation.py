"""The validation finds what would fail later, one line each."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from app.core.postgres import EmbeddedPostgres
from app.operation.setup import set_up
from app.operation.validation import Finding, check_everything


def findings(root: Path) -> dict[str, list[Finding]]:
    by_subject: dict[str, list[Finding]] = {}
    for finding in check_everything(root):
        by_subject.setdefault(finding.subject, []).append(finding)
    return by_subject


@pytest.fixture
def root(tmp_path: Path) -> Path:
    list(set_up(tmp_path))
    return tmp_path


def edited(root: Path, line: str) -> Path:
    with (root / "config" / "production.env").open("a") as file:
        file.write(f"\n{line}\n")
    return root


def test_a_fresh_setup_has_no_error(root: Path) -> None:
    """Right after the setup nothing is an error, and what is optional is a warning with a hint."""
    found = check_everything(root)
    assert not [finding for finding in found if finding.is_error]
    assert all(finding.hint for finding in found if finding.level == "warning")


def test_a_wrong_setting_is_an_error_with_its_name(root: Path) -> None:
    """A bad value is one error line that names the variable."""
    (finding,) = findings(edited(root, "PORT=99999"))["settings"]
    assert finding.is_error
    assert "PORT" in finding.fact


def test_a_file_that_others_can_read_is_an_error(root: Path) -> None:
    """config/production.env must be 0600."""
    (root / "config" / "production.env").chmod(0o644)
    assert findings(root)["settings"][0].is_error


def test_a_wrong_database_url_is_an_error_without_its_password(root: Path) -> None:
    """The database's line says that it does not answer, and keeps the password to itself."""
    found = findings(edited(root, "DATABASE_URL=postgresql://agent:s3cret@127.0.0.1:1/agent"))["database"]
    assert any(finding.is_error for finding in found)
    assert not any("s3cret" in finding.line() for finding in found)


def test_a_channel_that_does_not_answer_is_an_error(root: Path) -> None:
    """A configured mail server that refuses the connection is said before it is needed."""
    server = "SMTP_HOST=127.0.0.1\nSMTP_PORT=1\nSMTP_SECURITY=none\n"
    addresses = "ALERT_EMAIL_FROM=a@example.com\nALERT_EMAIL_TO=b@example.com"
    assert findings(edited(root, server + addresses))["channel"][0].is_error


def test_a_mistake_in_the_routes_is_an_error_with_its_line(root: Path) -> None:
    """And a file without one is right."""
    path = root / "config" / "alerts.yaml"
    path.write_text("quiet_hours: {from: '22:00', to: '07:00'}\n")
    assert findings(root)["routes"][0].level == "ok"
    path.write_text("routes:\n  - {to: [slak]}\n")
    (finding,) = findings(root)["routes"]
    assert finding.is_error
    assert "line 2" in finding.fact


def test_a_port_in_use_is_a_warning(root: Path) -> None:
    """Somebody listening on the port may be the application itself."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert findings(edited(root, f"PORT={port}"))["port"][0].level == "warning"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_is_an_error(root: Path) -> None:
    """A read-only logs folder is found."""
    (root / "logs").chmod(0o500)
    (root / "logs").rename(root / "kept")
    root.chmod(0o500)
    assert findings(root)["folder"][0].is_error
    root.chmod(0o700)


def test_the_look_before_a_backup_is_told(root: Path, postgres: EmbeddedPostgres) -> None:
    """Of a database that answers it is said what would keep a backup from being made; here nothing does."""
    found = findings(edited(root, f"DATABASE_URL={postgres.url}"))["backup"]
    assert {one.level for one in found} <= {"ok", "warning"}


def test_what_keeps_a_backup_from_being_made_is_an_error(root: Path, postgres: EmbeddedPostgres) -> None:
    """A pg_dump that is not there is found before the night."""
    lines = f"DATABASE_URL={postgres.url}\nBACKUP_PG_DUMP=/nonexistent/pg_dump"
    found = findings(edited(root, lines))["backup"]
    assert any(one.is_error and "is no working pg_dump" in one.fact for one in found)


def test_place_of_second_copies_is_visited(root: Path) -> None:
    """Validation looks into the place, says when it is not there, and that there is none."""
    assert [one.level for one in findings(root)["second copy"]] == ["warning"]
    disk = root / "disk"
    gone = findings(edited(root, f"BACKUP_OFFSITE_URL=file://{disk}"))["second copy"]
    assert [(one.level, one.fact) for one in gone] == [("error", f"the folder {disk} is not there")]
    disk.mkdir()
    assert [one.level for one in findings(root)["second copy"]] == ["ok"]
