"""What a person at a terminal is told of alerts and backups."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from app.cli import cli
from app.commands.printing import lines_of, said, table
from app.core.errors import InputRejected, NotFound


@pytest.fixture(autouse=True)
def empty_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An installation in which nothing has happened yet."""
    monkeypatch.chdir(tmp_path)


def told(*words: str, code: int = 0) -> str:
    """What a command prints."""
    result = CliRunner().invoke(cli, words)
    assert result.exit_code == code, result.output
    return result.output


def test_an_alert_is_told_as_a_story() -> None:
    """What it is, how it stands, and a line for each step with who and why."""
    told("alerts", "raise", "Oven is hot", "--severity", "high", "--key", "oven-1")
    alert_id = told("alerts", "active").split()[1]
    told("alerts", "acknowledge", alert_id, "--reason", "on my way")
    story = told("alerts", "show", alert_id).splitlines()
    assert story[0] == "HIGH SYSTEM acknowledged: Oven is hot"
    assert [line.split()[2] for line in story if line.startswith("20")] == [
        "raised",
        "withheld",
        "acknowledged",
    ]
    assert "on my way" in "\n".join(story)


def test_history_names_the_alert_of_each_step() -> None:
    """Newest first, one line each; and says so when there is nothing."""
    assert told("alerts", "history") == "nothing has happened\n"
    told("alerts", "raise", "Oven is hot")
    assert all("Oven is hot]" in line for line in told("alerts", "history").splitlines())


def test_a_silence_is_made_shown_and_ended() -> None:
    """By matchers as they stand in the documentation, for minutes or until it is over."""
    made = told("alerts", "silence", "key=oven*", "severity=LOW", "--minutes", "5", "--comment", "repair")
    assert "key=oven* severity=LOW  until 20" in made
    assert made.endswith(": repair\n")
    assert told("alerts", "silences") == made
    told("alerts", "unsilence", made.split()[0])
    assert told("alerts", "silences") == "no silences\n"


def test_a_silence_without_an_end_or_a_field_is_refused() -> None:
    """With what to write instead; nothing is silenced."""
    for words in (["key=oven"], ["oven", "--minutes", "5"]):
        assert isinstance(CliRunner().invoke(cli, ["alerts", "silence", *words]).exception, InputRejected)
    assert isinstance(CliRunner().invoke(cli, ["alerts", "unsilence", "nope"]).exception, NotFound)
    assert told("alerts", "silences") == "no silences\n"


def test_a_route_test_says_that_nobody_is_told() -> None:
    """Where no channel is configured, silence would look like success."""
    assert told("alerts", "route-test") == "nobody is told: no channel is configured (docs/alerts.md)\n"


def test_a_status_without_a_database_says_so() -> None:
    """And shows no date on which a backup would be due."""
    status = told("backup", "status")
    assert status.startswith("last good    none: there is no database\n")
    assert "next due" not in status


def test_documents_are_lines_and_tables() -> None:
    """What is alike stands under the names of its columns; empty columns go, times are cut to seconds."""
    document = {
        "at": "2026-11-23T09:30:01.610343Z",
        "rows": [{"id": 1, "why": "", "who": "ana"}, {"id": 22, "why": "", "who": None}],
        "deep": {"inner": {"names": ["a", "b"], "on": True}},
    }
    assert list(lines_of(document)) == [
        "at: 2026-11-23 09:30:01Z",
        "rows:",
        "  id  who",
        "  1   ana",
        "  22  -",
        "deep:",
        "  inner:",
        "    names: a, b",
        "    on: yes",
    ]
    assert list(table([])) == []
    assert said(0) == "0"
