"""python -m app alerts, as an operator or a script calls it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from app.cli import cli


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An application of which nothing runs, with a file that changes a rule."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config").mkdir()
    rules = "rules: [{name: cpu_high, value: 42}, {name: new_error, enabled: false}]"
    (tmp_path / "config" / "alerts.yaml").write_text(rules)
    return tmp_path


def said(*words: str) -> str:
    result = CliRunner().invoke(cli, ["alerts", *words])
    assert result.exit_code == 0, result.output
    return result.output


def test_rules_shows_what_is_shipped_and_what_the_file_changed() -> None:
    """A line each, also where nothing runs."""
    lines = said("rules").splitlines()
    assert lines[0] == "evaluated never: nothing runs here"
    (cpu,) = [line for line in lines if " cpu_high " in line]
    assert cpu.startswith("unknown ")
    assert cpu.endswith(" atalaia_cpu_percent > 42 % (critical 95 %) in 3 samples, changed")
    assert any(line.startswith("off") and "new_error" in line for line in lines)


def test_rules_in_json_is_what_http_tells() -> None:
    """For scripts."""
    document = json.loads(said("rules", "--json"))
    assert document["rules"][0]["definition"]["value"] == 42
    assert document["counts"]["unknown"] == 9
