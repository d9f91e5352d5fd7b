"""GET /production/ is a page made of the real documents of all five services."""

from __future__ import annotations

import logging

import pytest

from tests.dashboard.documents import HOSTILE
from tests.production.served import Tower


def test_the_page_shows_every_service(tower: Tower) -> None:
    """No part is missing, also when nothing has happened yet."""
    answer = tower.ask("GET", "/production/")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "not available" not in answer.text


def test_the_page_shows_what_was_sampled(tower: Tower) -> None:
    """The machine, the business and the log."""
    tower.performance.sample_host()
    tower.performance.sample_worker()
    tower.events.revenue("1234.50", currency="BRL", key="b-1")
    logging.getLogger("app.orders").info("paid in full")
    page = tower.ask("GET", "/production/").text
    for text in ("<meter", "BRL 1,234.50", "paid in full", "app.orders"):
        assert text in page


def test_text_of_others_is_shown_as_text(tower: Tower) -> None:
    """From an alert that was raised and a line that was logged."""
    tower.ask("POST", "/production/alerts", json={"title": HOSTILE, "message": HOSTILE})
    logging.getLogger("app").warning(HOSTILE)
    page = tower.ask("GET", "/production/").text
    assert "<script" not in page
    assert "<img" not in page
    assert "&lt;script&gt;alert(1)" in page


@pytest.mark.parametrize("path", ["/production", "/production/", "/production//"])
@pytest.mark.parametrize("accept", ["*/*", "text/html,application/xhtml+xml"])
def test_the_page_is_at_both_paths(tower: Tower, path: str, accept: str) -> None:
    """With and without the slash, for browsers and for curl."""
    answer = tower.ask("GET", path, headers={"Accept": accept})
    assert (answer.status_code, answer.text[:15]) == (200, "<!doctype html>")


def test_the_host_s_own_cards_are_shown(tower: Tower) -> None:
    """With their names and values as text."""
    tower.cards = {"Queue": {"waiting": 7, "oldest": HOSTILE}, "Ovens": {}}
    page = tower.ask("GET", "/production/").text
    for text in ("Queue", "waiting", "<bdi>7</bdi>", "Ovens", "&lt;script&gt;alert(1)"):
        assert text in page


def test_a_program_gets_the_status(tower: Tower) -> None:
    """Who asks for JSON has no use for a page."""
    assert tower.ask("GET", "/production/", headers={"Accept": "application/json"}).json()["status"] == "ok"


def test_the_language_that_was_asked_for_stays(tower: Tower) -> None:
    """In every form and link."""
    page = tower.ask("GET", "/production/?lang=pt-BR", headers={"Accept-Language": "en"}).text
    assert 'lang="pt-BR"' in page
    assert "Alertas ativos" in page


def test_a_page_of_ours_that_fails_leaves_the_others(tower: Tower) -> None:
    """Alerts are seen when the status cannot be had."""
    tower.alerts.raise_now("Oven is hot")
    del tower.components
    page = tower.ask("GET", "/production/").text
    assert "not available" in page
    assert "Oven is hot" in page
