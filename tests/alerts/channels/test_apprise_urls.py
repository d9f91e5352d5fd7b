"""Apprise in a process of its own."""

from __future__ import annotations

import threading
import time

import pytest
from pydantic import SecretStr

from app.alerts.channels.apprise_urls import AppriseChannel
from app.alerts.settings import AlertSettings
from app.core.errors import DeliveryFailed
from tests.alerts.channels.conftest import Serve
from tests.alerts.examples import ENGLISH, a_notice
from tests.alerts.servers import answer, silent

pytest.importorskip("apprise")


def channel(port: int, deadline_seconds: float = 12.0) -> AppriseChannel:
    """A JSON receiver, one of Apprise's services."""
    return AppriseChannel(
        SecretStr(f"json://localhost:{port}/hook"), ENGLISH, deadline_seconds=deadline_seconds
    )


def test_message_is_headline_and_text(serve: Serve) -> None:
    """As the service has places for both."""
    server = serve(answer(200))
    channel(server.port).deliver(a_notice(message="why"))
    (request,) = server.requests
    said = request.json()
    assert said["title"] == "🟠 HIGH: Gateway refuses"
    assert "why" in said["message"]


def test_each_url_is_a_channel() -> None:
    """With a name that stays, tells them apart, and shows nothing of the URL but its service."""
    urls = SecretStr("tgram://123:s3cr3t/-100 ntfy://s3cr3t  tgram://456:other/1 ntfy://s3cr3t")
    channels = AppriseChannel.all_from_settings(AlertSettings(apprise_urls=urls))
    names = [one.name for one in channels]
    assert [name[:-6] for name in names] == ["apprise-tgram-", "apprise-ntfy-", "apprise-tgram-"]
    assert len(set(names)) == 3
    assert "s3cr3t" not in f"{names}{channels!r}"


@pytest.mark.parametrize(("url", "act"), [("nosuch://x", "check"), ("json", "deliver")])
def test_unknown_service_is_found_before_an_alert_comes(url: str, act: str) -> None:
    """And is no failure that passes."""
    made = AppriseChannel(SecretStr(url), ENGLISH)
    with pytest.raises(DeliveryFailed) as caught:
        made.check() if act == "check" else made.deliver(a_notice())
    assert (caught.value.permanent, "ALERT_APPRISE_URLS" in caught.value.hint) == (True, True)


def test_refusal_passes_and_says_its_status(serve: Serve) -> None:
    """Apprise does not say whether again would help; it is sent once only."""
    server = serve(answer(403))
    with pytest.raises(DeliveryFailed) as caught:
        channel(server.port).deliver(a_notice())
    assert (caught.value.permanent, "(status 403)" in caught.value.fact) == (False, True)
    assert len(server.requests) == 1


def test_deadline_ends_the_process(serve: Serve) -> None:
    """Nobody knows whether it was delivered, and nothing of it is left running."""
    threads = threading.active_count()
    began = time.monotonic()
    with pytest.raises(DeliveryFailed) as caught:
        channel(serve(silent).port, deadline_seconds=2.0).deliver(a_notice())
    assert (caught.value.uncertain, time.monotonic() - began < 5) == (True, True)
    assert threading.active_count() <= threads + 2  # Because the server has two of its own.


def test_redirect_is_not_followed(serve: Serve) -> None:
    """The message and its credential go nowhere else."""
    elsewhere = serve(answer(200))
    with pytest.raises(DeliveryFailed):
        channel(serve(answer(302, "", Location=elsewhere.url)).port).deliver(a_notice())
    assert elsewhere.requests == []
