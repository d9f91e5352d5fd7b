"""Settings are read in one place, and a wrong one is said with what to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.core.errors import SettingsError
from app.settings import every_knob, load


def configured(root: Path, text: str) -> Path:
    (root / "config").mkdir()
    (root / "config" / "production.env").write_text(text)
    return root


def test_nothing_configured_is_a_valid_configuration(tmp_path: Path) -> None:
    """Without a file and with an empty environment every default holds."""
    settings = load(tmp_path, {})
    assert (settings.server.host, settings.server.port, settings.server.workers) == ("127.0.0.1", 8000, 1)
    assert settings.log_folder == tmp_path.resolve() / "logs"


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    """A variable of the environment replaces the file's."""
    root = configured(tmp_path, "PORT=9000\nHOST=127.0.0.2\n")
    settings = load(root, {"PORT": "9001"})
    assert (settings.server.host, settings.server.port) == ("127.0.0.2", 9001)


def test_an_unknown_name_in_the_file_is_refused_with_the_nearest(tmp_path: Path) -> None:
    """A typo stops the start and names the setting that was meant."""
    root = configured(tmp_path, "BACKUP_TIMEE=03:00\n")
    with pytest.raises(SettingsError, match=r"BACKUP_TIMEE is no setting .did you mean BACKUP_TIME"):
        load(root, {})


def test_an_unknown_name_in_the_environment_is_a_warning(tmp_path: Path) -> None:
    """A host's own LOG_FORMAT does not keep it from starting."""
    settings = load(tmp_path, {"LOG_LEVELL": "INFO", "PATH": "/bin"})
    (warning,) = settings.warnings
    assert "LOG_LEVELL" in warning
    assert "LOG_LEVEL?" in warning


def test_every_problem_is_said_at_once(tmp_path: Path) -> None:
    """Bad values of several sections come in one error, by the names that were set."""
    with pytest.raises(SettingsError) as refused:
        load(tmp_path, {"PORT": "many", "TZ": "Mars/Olympus", "BACKUP_RETENTION_DAYS": "-1"})
    assert all(name in refused.value.fact for name in ("PORT", "TZ", "BACKUP_RETENTION_DAYS"))
    assert refused.value.hint


def test_a_secret_may_come_from_a_file(tmp_path: Path) -> None:
    """SMTP_PASSWORD_FILE names a file that holds the password."""
    (tmp_path / "password").write_text("s3cret\n")
    settings = load(tmp_path, {"SMTP_PASSWORD_FILE": str(tmp_path / "password")})
    assert settings.alerts.smtp_password.get_secret_value() == "s3cret"


def test_a_secret_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    """The error names the variable and the path."""
    with pytest.raises(SettingsError, match="SMTP_PASSWORD_FILE"):
        load(tmp_path, {"SMTP_PASSWORD_FILE": "/nowhere"})


def test_printing_settings_shows_no_secret(tmp_path: Path) -> None:
    """repr() of all settings shows stars for every secret."""
    secrets = {one.variable: "sk-planted-1" for _, one in every_knob() if one.secret}
    secrets["ACCESS_TOKENS"] = "operate:" + "ab" * 32
    addresses = [name for name in secrets if name.startswith(("ALERT_", "SLACK_")) and name.endswith("_URL")]
    secrets |= dict.fromkeys(addresses, "https://hooks.example.org/services/sk-planted-1")
    settings = load(tmp_path, {**secrets, "ALERT_ALERTMANAGER_URL": "http://localhost:9093"})
    assert "sk-planted-1" not in repr(settings)
    assert "abab" not in repr(settings)


def test_an_empty_value_means_the_default(tmp_path: Path) -> None:
    """`PORT=` is the default port, and an empty list is an empty list."""
    settings = load(tmp_path, {"PORT": "", "PERFORMANCE_EXTERNAL_SERVICES": ""})
    assert settings.server.port == 8000
    assert settings.performance.external_services == ()


def test_every_setting_is_described_and_belongs_to_its_word() -> None:
    """Each knob has a description, and its name is unique."""
    found = [one for _, one in every_knob()]
    assert all(one.description for one in found)
    assert len({one.variable for one in found}) == len(found)
