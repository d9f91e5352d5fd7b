"""/production/metrics takes business events, adds them up and gives them out."""

from __future__ import annotations

import csv
import io
import json

import pytest

from tests.production.served import Tower

EVENTS = "/production/metrics/events"


def test_one_event_is_accepted(tower: Tower) -> None:
    """And counted in the dashboard at once."""
    event = {"name": "conversation_started", "key": "c-17", "user_id": "u1", "tags": {"channel": "whatsapp"}}
    assert tower.ask("POST", EVENTS, json=event).json()["accepted"] == 1
    business = tower.ask("GET", "/production/metrics/business?period=day&tz=UTC").json()
    assert business["conversations"]["started"] == 1
    assert business["previous"]["conversations"]["started"] == 0


def test_a_key_counts_once(tower: Tower) -> None:
    """However often it is sent."""
    event = {"name": "revenue", "key": "b-1", "amount": "120.50", "currency": "BRL"}
    tower.ask("POST", EVENTS, json=event)
    assert tower.ask("POST", EVENTS, json=[event]).json()["duplicates"] == 1
    assert tower.ask("GET", "/production/metrics/business").json()["revenue"]["BRL"]["net"] == "120.50"


def test_each_event_is_judged_by_itself(tower: Tower) -> None:
    """Money as a JSON number is not exact and is refused, and the others are kept."""
    sent = (
        '[{"name":"revenue","amount":120.50},{"name":"nps","value":9.5},"x",{"name":"cost","amount":"0.1"}]'
    )
    answer = tower.ask("POST", EVENTS, content=sent).json()
    assert (answer["accepted"], answer["rejected"]) == (2, 2)
    assert [one["index"] for one in answer["reasons"]] == [0, 2]
    assert "float" in answer["reasons"][0]["reason"]


@pytest.mark.parametrize("body", ["7", '"x"', "null", "", '{"name":"a"}\n{"name":"b"}'])
def test_a_body_that_is_no_event_is_refused_as_a_whole(tower: Tower, body: str) -> None:
    """Also JSON lines, which nobody promised to take."""
    assert tower.ask("POST", EVENTS, content=body).status_code == 400


def test_more_than_ten_thousand_events_are_refused(tower: Tower) -> None:
    """Ten thousand are not."""
    event = json.dumps({"name": "x"})
    assert tower.ask("POST", EVENTS, content=f"[{','.join([event] * 10_001)}]").status_code == 400
    answer = tower.ask("POST", EVENTS, content=f"[{','.join([event] * 10_000)}]")
    assert answer.json()["accepted"] == 10_000


def test_the_events_of_a_period_are_exported(tower: Tower) -> None:
    """As a file of CSV or JSON lines, in which no cell is a formula."""
    tower.ask("POST", EVENTS, json={"name": "x", "user_id": "=cmd()"})
    answer = tower.ask("GET", "/production/metrics/export")
    assert answer.headers["content-disposition"] == 'attachment; filename="business_metrics.csv"'
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    (row,) = csv.DictReader(io.StringIO(answer.text))
    assert (row["name"], row["user_id"]) == ("x", "'=cmd()")
    lines = tower.ask("GET", "/production/metrics/export?format=jsonl").text.splitlines()
    assert [json.loads(line)["name"] for line in lines] == ["x"]


@pytest.mark.parametrize(
    "query",
    [
        "business?period=decade",
        "business?tz=Mars/Phobos",
        "business?from=now",
        "export?format=xls",
        "export?period=x",
    ],
)
def test_what_cannot_be_asked_for_is_refused(tower: Tower, query: str) -> None:
    """Also of an export, before its answer begins."""
    answer = tower.ask("GET", f"/production/metrics/{query}")
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"
