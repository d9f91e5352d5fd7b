"""The documentation names what the code has."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from typer.main import get_command

from app.cli import cli
from app.embedding import Atalaia
from app.operation.reference import settings_page
from app.production.application import routes
from app.settings import every_knob, load

ROOT = Path(__file__).resolve().parents[1]
PAGES = {path.name: path.read_text(encoding="utf-8") for path in (ROOT / "docs").glob("*.md")}
PORTUGUESE = PAGES["SISTEMA_PRODUCAO.md"]


def test_the_settings_page_is_what_the_code_declares() -> None:
    """docs/SETTINGS.md equals the output of `python -m app settings`."""
    assert PAGES["SETTINGS.md"] == settings_page()


@pytest.mark.parametrize("variable", [one.variable for _, one in every_knob()])
def test_every_setting_is_in_the_portuguese_page(variable: str) -> None:
    """SISTEMA_PRODUCAO.md is whole: it names every setting."""
    assert f"`{variable}`" in PORTUGUESE


def served() -> list[tuple[str, str]]:
    found = routes(Atalaia(load(ROOT, {})).served())
    return [(method, path) for method, path in found if method != "HEAD"]


@pytest.mark.parametrize(("method", "path"), served())
def test_every_route_is_documented_in_both_languages(method: str, path: str) -> None:
    """docs/http.md and SISTEMA_PRODUCAO.md name each method and path."""
    shown = re.sub(r"\{[^}]*\}", "{id}", path)
    for page in (PAGES["http.md"], PORTUGUESE):
        assert f"{method} {shown}" in page.replace("`", ""), f"{method} {shown}"


def commands() -> list[str]:
    words = get_command(cli).commands
    return [
        f"{word} {verb}".strip()
        for word, command in words.items()
        for verb in (getattr(command, "commands", None) or {"": None})
    ]


@pytest.mark.parametrize("command", commands())
def test_every_command_is_documented(command: str) -> None:
    """docs/COMMANDS.md and SISTEMA_PRODUCAO.md name each command."""
    for page in (PAGES["COMMANDS.md"], PORTUGUESE):
        assert f"python -m app {command}" in page


def test_every_link_between_pages_leads_somewhere() -> None:
    """A relative link in README and docs names a file that is there."""
    for page in [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]:
        for target in re.findall(r"\]\((?!https?:|#|mailto:)([^)#]+)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_every_dependency_has_its_line() -> None:
    """docs/DEPENDENCIES.md names every package of pyproject.toml."""
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    block = text[text.index("dependencies = [") : text.index("[project.scripts]")]
    names = re.findall(r'^\s+"([a-z0-9-]+)', block, re.MULTILINE)
    assert names
    assert [name for name in names if name not in PAGES["DEPENDENCIES.md"]] == []
