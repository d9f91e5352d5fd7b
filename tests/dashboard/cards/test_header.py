"""The header says how the whole is."""

from __future__ import annotations

from app.dashboard.cards import header
from app.dashboard.portuguese import PORTUGUESE
from tests.dashboard import documents
from tests.dashboard.documents import frame


def test_the_header_says_how_it_is_and_why() -> None:
    """Level, reasons, version, workers, leader and uptime."""
    document = documents.system(status="down", reasons=["database: refused"])
    made = header.markup(header.view(document), frame())
    assert "Down" in made
    assert "<li>database: refused</li>" in made
    assert "version 1.2.3 · workers: 1 · scheduling: pid 7 · up for 12 h" in made


def test_a_host_without_a_leader_is_shown() -> None:
    """As when it is just being handed over."""
    assert "pid —" in header.markup(header.view(documents.system(leader=None)), frame())


def test_reasons_are_said_in_the_readers_language() -> None:
    """As far as they are Atalaia's own words."""
    document = documents.system(status="degraded", reasons=["external.openai: its name is not known"])
    made = header.markup(header.view(document), frame(words=PORTUGUESE))
    assert "<li>external.openai: o nome não é conhecido</li>" in made
