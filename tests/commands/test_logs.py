"""python -m app logs, as an operator or a script calls it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from app.cli import cli
from app.core.errors import InputRejected
from tests.logs.written import Log, line


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Log]:
    """app.log of an application in this folder."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "logs").mkdir(mode=0o700)
    return Log(tmp_path / "logs" / "app.log")


def said(*words: str, code: int = 0) -> list[str]:
    """The lines that a command prints."""
    result = CliRunner().invoke(cli, ["logs", *words])
    assert result.exit_code == code, result.output
    return result.output.splitlines()


def rejected(*words: str) -> InputRejected:
    error = CliRunner().invoke(cli, ["logs", *words]).exception
    assert isinstance(error, InputRejected)
    return error


def test_recent_shows_the_last_records_oldest_first(log: Log) -> None:
    """One line each for people."""
    log.write(range(30))
    assert said("recent", "--limit", "2") == [
        "2026-11-23T12:00:28.000000Z INFO     app: message 28",
        "2026-11-23T12:00:29.000000Z INFO     app: message 29",
    ]


def test_search_finds_everything_over_archives(log: Log) -> None:
    """However many there are, newest first; a limit ends it."""
    log.write(range(1_500))
    log.rotate(compress=True)
    log.write(range(1_500, 2_500))
    found = [json.loads(one)["n"] for one in said("search", "--json")]
    assert found == list(range(2_499, -1, -1))
    assert len(said("search", "--limit", "1200")) == 1_200
    assert [json.loads(one)["n"] for one in said("search", "--q", "message 7", "--limit", "2", "--json")] == [
        799,
        798,
    ]


def test_search_shows_no_codes_that_a_terminal_obeys(log: Log) -> None:
    """They are escaped in the file, and stay so."""
    log.append(b'{"timestamp":"x","level":"INFO","logger":"a","message":"\\u001b[31m\\u009b\\u202e"}\n')
    assert said("search") == ["x                           INFO     a: \\u001b[31m\\u009b\\u202e"]
    assert json.loads(said("search", "--json")[0])["message"] == "\x1b[31m\x9b\u202e"


def test_verify_says_what_is_missing(log: Log) -> None:
    """With exit code 1, for people and for scripts."""
    log.append(line(1, pid=7, seq=1), line(2, pid=7, seq=2))
    assert said("verify", "--type", "app") == ["app.log: complete (2 lines, 1 processes, 0 missing)"]
    log.append(line(5, pid=7, seq=5))
    assert said("verify", code=1)[:2] == [
        "app.log: NOT COMPLETE (3 lines, 1 processes, 2 missing)",
        "  pid 7: 3 to 4 before 2026-11-23T12:00:05.000000Z",
    ]
    (document,) = json.loads("".join(said("verify", "--type", "app", "--json", code=1)))
    assert (document["missing"], document["complete"]) == (2, False)


def test_errors_are_listed_by_kind(log: Log) -> None:
    """With time, count and fingerprint; nothing is said where there are none."""
    assert said("errors") == ["no errors"]
    errors = Log(log.path.with_name("errors.log"))
    errors.append(line(1, "ERROR", message="order 1 failed"), line(2, "ERROR", message="order 2 failed"))
    (shown,) = said("errors")
    assert shown.startswith("2026-11-23T12:00:02        2 x  ")
    assert shown.endswith("  app: order <number> failed")


def test_a_level_is_set_shown_and_taken_back(log: Log) -> None:
    """For every worker of the host, told in security.log."""
    said("level", "app.orders", "debug", "--expires", "60")
    (known,) = json.loads("".join(said("level", "--json")))["levels"]
    assert (known["logger"], known["level"]) == ("app.orders", "DEBUG")
    said("level", "app.orders", "--reset")
    assert json.loads("".join(said("level", "--json")))["levels"] == []
    security = log.path.with_name("security.log").read_text()
    assert "log_level_changed" in security
    assert "log_level_taken_back" in security


@pytest.mark.parametrize(
    "words",
    [
        ("search", "--type", "x"),
        ("tail", "--type", "../x"),
        ("verify", "--type", "x"),
        ("search", "--level", "LOUD"),
        ("level", "app"),
        ("level", "app", "DEBUG", "--reset"),
        ("level", "app.*", "DEBUG"),
    ],
)
def test_what_cannot_be_done_is_told(log: Log, words: tuple[str, ...]) -> None:
    """With a hint."""
    assert rejected(*words).hint
