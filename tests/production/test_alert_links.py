"""The link of a message acknowledges, the buttons in Slack act, and nobody else gets in by them."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest

from app.alerts.channels.slack_client import is_signed
from app.alerts.links import Links
from app.production.alert_links import Outside
from app.testing import FrozenClock
from tests.alerts.examples import fired
from tests.production.served import Tower

LINK, ACTIONS = "/production/acknowledge", "/production/alerts/slack/actions"
SECRET = "8f742231b10e8888abcd99yyyzzz85a5"
BROWSER = {"Accept": "text/html", "Sec-Fetch-Site": "cross-site", "Origin": "null"}


class Outsiders:
    """A tower, an alert in it, and what Slack was told."""

    def __init__(self, folder: Path) -> None:
        self.links = Links(folder / "keys", "http://tower/production/")
        self.replies: list[tuple[str, str]] = []
        outside = Outside(
            links=self.links,
            is_slack=lambda body, moment, signature: is_signed(SECRET, body, moment, signature),
            reply=lambda url, text: self.replies.append((url, text)),
        )
        self.tower = Tower(folder, outside=outside)
        alert = self.tower.alerts.raise_now("Gateway refuses", severity="HIGH")
        self.id, self.fingerprint = alert["id"], alert["fingerprint"]

    def token(self) -> str:
        """That of the link about the alert."""
        alert = fired(self.tower.clock.now())
        object.__setattr__(alert, "id", self.id)
        return self.links.url(alert).partition("?t=")[2]

    def follow(self, token: str) -> httpx.Response:
        """Open the link, as from a mail."""
        return self.tower.ask("GET", f"{LINK}?t={token}", token=None, headers=BROWSER)

    def confirm(self, token: str, by: str = "") -> httpx.Response:
        """Press the button behind it."""
        data = {"t": token, "by": by}
        return self.tower.ask("POST", LINK, token=None, data=data, headers=BROWSER)

    def press(self, verb: str, *, age: int = 0, secret: str = SECRET, **more: Any) -> httpx.Response:
        """Press a button in Slack."""
        payload = {
            "type": "block_actions",
            "user": {"id": "U1", "username": "ana"},
            "actions": [{"action_id": verb, "value": f"{self.id} {self.fingerprint}"}],
            "response_url": "https://hooks.slack.com/actions/T/1/x",
            **more,
        }
        body = urlencode({"payload": json.dumps(payload)})
        moment = str(int(time.time()) - age)
        digest = hmac.new(secret.encode(), f"v0:{moment}:{body}".encode(), hashlib.sha256).hexdigest()
        headers = {
            "Content-Type": "application/x-www-form-urlencoded",
            "X-Slack-Request-Timestamp": moment,
            "X-Slack-Signature": f"v0={digest}",
        }
        return self.tower.ask("POST", ACTIONS, token=None, content=body, headers=headers)

    def alert(self) -> dict[str, Any]:
        """How it stands; {} when it is over."""
        found = self.tower.alerts.active()["alerts"]
        return found[0] if found else {}


@pytest.fixture
def outsiders(tmp_path: Path) -> Iterator[Outsiders]:
    """Somebody got a message about an alert."""
    made = Outsiders(tmp_path)
    yield made
    made.tower.stop()


def test_following_the_link_does_nothing(outsiders: Outsiders) -> None:
    """Mail scanners do that too: the page only asks, and shows what it is about."""
    answer = outsiders.follow(outsiders.token())
    assert answer.status_code == 200
    assert "Gateway refuses" in answer.text
    assert 'method="post"' in answer.text
    assert outsiders.alert()["acknowledged_at"] is None
    assert answer.headers["cache-control"] == "no-store"


def test_confirming_it_acknowledges(outsiders: Outsiders) -> None:
    """Without a session, under the name that was given."""
    answer = outsiders.confirm(outsiders.token(), by=" ana ")
    assert (answer.status_code, "ana" in answer.text) == (200, True)
    assert outsiders.alert()["acknowledged_by"] == "ana (link)"
    assert "ana (link)" in outsiders.follow(outsiders.token()).text


def test_link_about_what_is_over_says_so(outsiders: Outsiders) -> None:
    """There is nothing left to be done."""
    outsiders.tower.alerts.resolve(outsiders.id, by="bob")
    assert "The alert is over" in outsiders.follow(outsiders.token()).text
    assert outsiders.confirm(outsiders.token()).status_code == 409


def test_old_link_says_that_it_has_ended(outsiders: Outsiders, clock: FrozenClock) -> None:
    """And counts against nobody."""
    token = outsiders.token()
    outsiders.tower.clock.advance(hours=73)
    for _ in range(7):
        answer = outsiders.follow(token)
        assert (answer.status_code, "has ended" in answer.text) == (400, True)


def test_forged_link_is_refused_and_counts(outsiders: Outsiders) -> None:
    """After five of them within a minute their sender has to wait; a right one never has to."""
    forged = outsiders.token()[:-4] + "AAAA"
    assert [outsiders.follow(forged).status_code for _ in range(6)] == [401] * 5 + [429]
    assert outsiders.confirm(forged).status_code == 429
    assert outsiders.alert()["acknowledged_at"] is None
    assert outsiders.follow(outsiders.token()).status_code == 200


def test_link_opens_nothing_else(outsiders: Outsiders) -> None:
    """Its token is no token of the access control."""
    token = outsiders.token()
    assert outsiders.tower.ask("GET", "/production/alerts/active", token=token).status_code == 401
    assert outsiders.tower.ask("POST", f"{LINK}/x?t={token}", token=None).status_code == 401


def test_button_acknowledges(outsiders: Outsiders) -> None:
    """By the name that Slack knows; who pressed it is told."""
    assert outsiders.press("acknowledge").status_code == 200
    assert outsiders.alert()["acknowledged_by"] == "ana (Slack)"
    assert outsiders.replies == [("https://hooks.slack.com/actions/T/1/x", "acknowledged by ana")]


def test_button_resolves(outsiders: Outsiders) -> None:
    """And says so when there was nothing left to resolve."""
    outsiders.press("resolve")
    assert outsiders.alert() == {}
    assert outsiders.press("resolve").status_code == 200
    assert "the alert is over" in outsiders.replies[-1][1]


def test_button_silences_for_an_hour(outsiders: Outsiders) -> None:
    """This condition only, whatever its episode."""
    outsiders.press("silence")
    (silence,) = outsiders.tower.alerts.silences()["silences"]
    assert silence["matchers"] == {"fingerprint": outsiders.fingerprint}
    assert silence["author"] == "ana (Slack)"
    now = outsiders.tower.clock.now()
    assert silence["ends_at"] == (now + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


@pytest.mark.parametrize("wrong", [{"secret": "other"}, {"age": 301}, {"age": -400}])
def test_request_that_slack_did_not_sign_is_refused(outsiders: Outsiders, wrong: dict[str, Any]) -> None:
    """Another secret, or a signature of more than five minutes ago."""
    assert outsiders.press("resolve", **wrong).status_code == 401
    assert outsiders.alert()["state"] == "firing"


def test_request_without_signature_is_refused(outsiders: Outsiders) -> None:
    """Whatever it is, and not as a failure of ours."""
    for headers in ({}, {"X-Slack-Request-Timestamp": "now", "X-Slack-Signature": "v0=é".encode()}):
        answer = outsiders.tower.ask("POST", ACTIONS, token=None, content=b"\xff", headers=headers)
        assert answer.status_code == 401


@pytest.mark.parametrize(
    "more", [{"actions": []}, {"user": None}, {"actions": [{"action_id": "drop", "value": "x"}]}]
)
def test_what_is_no_button_of_ours_is_refused(outsiders: Outsiders, more: dict[str, Any]) -> None:
    """Even if Slack signed it."""
    assert outsiders.press("resolve", **more).status_code == 400


def test_reply_goes_to_slack_only(outsiders: Outsiders) -> None:
    """An address of another host in a signed request is left alone."""
    for url in (
        "https://evil.example/x",
        "http://hooks.slack.com/x",
        "https://hooks.slack.com@evil.example/",
        "",
    ):
        outsiders.press("acknowledge", response_url=url)
    assert outsiders.replies == []


def test_without_a_signing_secret_there_are_no_buttons(tmp_path: Path) -> None:
    """The path is not there."""
    tower = Tower(tmp_path)
    assert tower.ask("POST", ACTIONS, token=None).status_code == 404
    assert tower.ask("GET", LINK, token=None).status_code == 404
    tower.stop()
