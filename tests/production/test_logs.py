"""GET /production/logs/recent shows the newest lines of a log."""

from __future__ import annotations

import logging

import pytest

from tests.production.served import Tower


def test_the_newest_records_come_first(tower: Tower) -> None:
    """Filtered as was asked."""
    logging.getLogger("app.orders").info("paid", extra={"order": 7})
    logging.getLogger("app.orders").error("refused")
    answer = tower.ask("GET", "/production/logs/recent?level=INFO&q=app.orders").json()
    assert [record["message"] for record in answer["records"]] == ["refused", "paid"]
    assert answer["records"][1]["order"] == 7


def test_a_request_s_lines_are_found_by_its_id(tower: Tower) -> None:
    """As the problem documents say."""
    tower.ask("GET", "/production/nothing", headers={"X-Request-ID": "r-5"})
    (record,) = tower.ask("GET", "/production/logs/recent?request_id=r-5").json()["records"]
    assert (record["path"], record["status"]) == ("/production/nothing", 404)


@pytest.mark.parametrize(
    "query", ["type=../../etc/passwd", "limit=0", "limit=x", "level=LOUD", "since=today"]
)
def test_what_cannot_be_asked_for_is_refused(tower: Tower, query: str) -> None:
    """There is no path to name, only one of six logs."""
    answer = tower.ask("GET", f"/production/logs/recent?{query}")
    assert answer.status_code == 400
    assert answer.json()["detail"]
