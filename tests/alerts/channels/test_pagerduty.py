"""PagerDuty's events: one incident for each episode."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from pydantic import SecretStr

from app.alerts.channels.pagerduty import PagerDutyChannel
from app.alerts.model import Kind
from app.core.errors import DeliveryFailed
from app.core.signal import Severity
from tests.alerts.channels.conftest import Serve
from tests.alerts.examples import ENGLISH, a_notice
from tests.alerts.servers import HttpServer, answer

ACCEPTED = answer(202, json.dumps({"status": "success", "message": "Event processed", "dedup_key": "x"}))


def channel(server: HttpServer) -> PagerDutyChannel:
    """One integration."""
    return PagerDutyChannel(SecretStr("R" * 32), ENGLISH, api_url=server.url)


def events(server: HttpServer) -> list[dict[str, Any]]:
    """What PagerDuty was sent."""
    return [request.json() for request in server.requests]


@pytest.mark.parametrize(
    ("kind", "actions"),
    [
        (Kind.FIRED, ["trigger"]),
        (Kind.WORSE, ["trigger"]),
        (Kind.ESCALATED, ["trigger"]),
        (Kind.ACKNOWLEDGED, ["acknowledge"]),
        (Kind.RESOLVED, ["resolve"]),
        (Kind.LATE, ["trigger", "resolve"]),
        (Kind.TEST, ["trigger", "resolve"]),
    ],
)
def test_episode_is_one_incident(serve: Serve, kind: Kind, actions: list[str]) -> None:
    """Its id is the dedup key of everything said about it."""
    server, notice = serve(ACCEPTED), a_notice(kind)
    channel(server).deliver(notice)
    assert [event["event_action"] for event in events(server)] == actions
    assert {event["dedup_key"] for event in events(server)} == {notice.alert.id}
    assert server.requests[0].line.startswith("POST /v2/enqueue")


def test_trigger_says_what_where_and_how_bad(serve: Serve) -> None:
    """In PagerDuty's own words for severities, within its limits."""
    server = serve(ACCEPTED)
    notice = a_notice(severity=Severity.CRITICAL, labels={"core": "3"}, message="m" * 20_000)
    notice = replace(notice, alert=replace(notice.alert, title="t" * 2_000))
    channel(server).deliver(notice)
    (event,) = events(server)
    payload = event["payload"]
    assert (payload["severity"], payload["source"], payload["group"]) == ("critical", "shop-1", "BUSINESS")
    assert payload["timestamp"] == "2026-11-23T12:00:00.000000Z"
    assert payload["custom_details"]["core"] == "3"
    assert event["links"] == [{"href": "https://shop.example/production/", "text": "Dashboard"}]
    assert len(payload["summary"]) == 1_024
    assert len(json.dumps(event)) < 512_000


def test_refusal_says_which_key(serve: Serve) -> None:
    """400 is for good; PagerDuty's longer text is not repeated, because it may quote the key."""
    body = json.dumps({"status": "invalid event", "errors": [f"key {'R' * 32} is unknown"]})
    with pytest.raises(DeliveryFailed) as caught:
        channel(serve(answer(400, body))).deliver(a_notice())
    assert (caught.value.permanent, "ALERT_PAGERDUTY_ROUTING_KEY" in caught.value.hint) == (True, True)
    assert caught.value.fact == "PagerDuty answered 400 (invalid event)"


def test_check_resolves_what_is_not_there(serve: Serve) -> None:
    """Which does nothing, but proves the key."""
    server = serve(ACCEPTED)
    channel(server).check()
    assert [(one["event_action"], one["dedup_key"]) for one in events(server)] == [
        ("resolve", "atalaia-check")
    ]
