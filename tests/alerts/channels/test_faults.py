"""How each channel that speaks HTTP judges what goes wrong: does it pass, when, may it have arrived."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from dataclasses import dataclass

import pytest
import trustme
from pydantic import SecretStr

from app.alerts.channels import Channel
from app.alerts.channels.alertmanager import AlertmanagerChannel
from app.alerts.channels.pagerduty import PagerDutyChannel
from app.alerts.channels.slack import SlackChannel
from app.alerts.channels.webhook import WebhookChannel
from app.alerts.channels.whatsapp import WhatsAppChannel
from app.alerts.channels.whatsapp_meta import Meta
from app.alerts.channels.whatsapp_twilio import Twilio
from app.core.errors import DeliveryFailed
from tests.alerts.channels.conftest import Serve
from tests.alerts.examples import ENGLISH, a_notice
from tests.alerts.servers import Script, answer, one_byte_a_second, silent

SECRET = SecretStr("s3cr3t")
SECONDS = 0.5
PHONES = ("+5511987654321",)


def phones(provider: Meta | Twilio) -> Channel:
    """WhatsApp by a provider."""
    return WhatsAppChannel(provider, PHONES, ENGLISH, deadline_seconds=SECONDS)


CHANNELS: dict[str, Callable[[str], Channel]] = {
    "slack webhook": lambda url: SlackChannel(
        style=ENGLISH, webhook_url=SecretStr(f"{url}/services/x"), deadline_seconds=SECONDS
    ),
    "slack bot": lambda url: SlackChannel(
        style=ENGLISH, bot_token=SECRET, channel="C1", api_url=f"{url}/api/", deadline_seconds=SECONDS
    ),
    "twilio": lambda url: phones(Twilio("AC1", SECRET, "+14155238886", api_url=url)),
    "meta": lambda url: phones(Meta("1065", SECRET, api_url=url)),
    "webhook": lambda url: WebhookChannel(SecretStr(url), ENGLISH, deadline_seconds=SECONDS),
    "pagerduty": lambda url: PagerDutyChannel(SECRET, ENGLISH, api_url=url, deadline_seconds=SECONDS),
    "alertmanager": lambda url: AlertmanagerChannel(url, ENGLISH, deadline_seconds=SECONDS),
}
IN_90_SECONDS = {"Date": "Mon, 23 Nov 2026 12:00:00 GMT", "Retry_After": "Mon, 23 Nov 2026 12:01:30 GMT"}


@dataclass(frozen=True)
class Judged:
    """What a failure says."""

    permanent: bool = False
    retry_after: float | None = None
    uncertain: bool = False


PASSES, REFUSED, UNCERTAIN = Judged(), Judged(permanent=True), Judged(uncertain=True)
FAULTS: dict[str, tuple[Script, Judged]] = {
    "no answer": (silent, UNCERTAIN),
    "slow answer": (one_byte_a_second, UNCERTAIN),
    "accepted, then dropped": (lambda _: None, UNCERTAIN),
    "429 for seconds": (answer(429, "no", Retry_After="7"), Judged(retry_after=7)),
    "429 until a moment": (answer(429, "no", **IN_90_SECONDS), Judged(retry_after=90)),
    "500": (answer(500, "no"), PASSES),
    "503": (answer(503, "no", Retry_After="30"), Judged(retry_after=30)),
    "400": (answer(400, "no"), REFUSED),
    "404": (answer(404, "no"), REFUSED),
    "410": (answer(410, "no"), REFUSED),
    "redirect": (answer(307, "", Location="http://127.0.0.1:1/"), REFUSED),
}


@pytest.fixture(params=CHANNELS)
def make(request: pytest.FixtureRequest) -> Callable[[str], Channel]:
    """Each channel in turn, at an address."""
    return CHANNELS[request.param]


def judged(channel: Channel) -> Judged:
    """How a delivery failed."""
    with pytest.raises(DeliveryFailed) as caught:
        channel.deliver(a_notice())
    error = caught.value
    assert "s3cr3t" not in f"{error}{error!r}"
    return Judged(error.permanent, error.retry_after, error.uncertain)


@pytest.mark.parametrize("fault", FAULTS)
def test_fault_is_judged(make: Callable[[str], Channel], serve: Serve, fault: str) -> None:
    """The same for all of them."""
    script, expected = FAULTS[fault]
    assert judged(make(serve(script).url)) == expected


def test_nobody_there_passes(make: Callable[[str], Channel], serve: Serve) -> None:
    """A refused connection, and a name that does not exist: certainly nothing has arrived."""
    server = serve(silent)
    server.close()
    assert judged(make(server.url)) == PASSES
    assert judged(make("http://no-such-host.invalid")) == PASSES


def test_server_that_nobody_vouches_for_gets_nothing(make: Callable[[str], Channel], serve: Serve) -> None:
    """Its certificate may be renewed, so it passes."""
    trust = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("localhost").configure_cert(trust)
    server = serve(answer(200), trust=trust)
    assert judged(make(server.url)) == PASSES
    assert server.requests == []
