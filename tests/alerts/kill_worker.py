"""Raises, acts and delivers until it is killed: for each line of standard input, a fork that does so.

A line is a JSON object: {"life": its number, "first": the number of the first alert, or null to deliver
only, "again": numbers of alerts that are raised once more}. The fork says `up <pid>`, and a word and the
number after each act that has returned; each of its messages says in which life it was sent, as the name
of the server. Forks begin before any thread, with everything imported, so that a restart takes milliseconds.
"""

from __future__ import annotations

import json
import os
import random
import sys
import time
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from app.alerts.channels import slack_client, twilio_client
from app.alerts.channels.email import EmailChannel
from app.alerts.channels.slack import SlackChannel
from app.alerts.channels.whatsapp import WhatsAppChannel
from app.alerts.message import Style
from app.alerts.model import Limits, Notice
from app.alerts.settings import AlertSettings
from app.core.clock import SystemClock
from app.core.journal import Journal
from app.core.signal import Severity
from app.services.automated_alerts import AlertSource, AutomatedAlerts

IMPORTED_EARLY = (slack_client, twilio_client)
WITHOUT_WAITING: dict[str, float] = {
    "group_wait_high_seconds": 0,
    "group_wait_medium_seconds": 0,
    "group_wait_low_seconds": 0,
    "settle_seconds": 0,
    "refill_seconds": 0.2,
}
REMINDED_AFTER = 2
A_DAY = 86_400
COOLDOWNS: dict[str, int] = {f"cooldown_{word}_seconds": A_DAY for word in ("high", "medium", "low")}
COOLDOWNS["cooldown_critical_seconds"] = REMINDED_AFTER
FATES = ("ended", "taken", "muted", "", "", "", "", "")
"""What becomes of every eighth alert: it is over, somebody is on it, it was silenced before it began."""


class Chat(SlackChannel):
    """A webhook of Slack, which gets every notice by itself and, so that each can be counted, by its key."""

    takes_digests = False

    def _content(self, notice: Notice) -> dict[str, Any]:
        return {**super()._content(notice), "notice": notice.key, "server": self.style.host}


def fate_of(number: int) -> str:
    """What becomes of an alert, "" when nothing does."""
    return FATES[number % len(FATES)]


def name_of(number: int) -> str:
    """Its title and key."""
    return f"alert-{number:06}"


def severity_of(number: int) -> Severity:
    """The same each time that it is raised."""
    return list(Severity)[number // len(FATES) % len(Severity)]


def say(text: str) -> None:
    """One line, by one write."""
    os.write(1, f"{text}\n".encode())


def act(page: AutomatedAlerts, source: AlertSource, number: int) -> None:
    """Raise an alert, and let become of it what is to."""
    name, fate = name_of(number), fate_of(number)
    if fate == "muted":
        page.add_silence(matchers={"key": name}, by="ana", minutes=600)
        say(f"muted {number}")
    if fate == "taken":
        alert = page.raise_now(name, severity=severity_of(number))
        say(f"raised {number}")
        page.acknowledge(alert["id"], by="ana")
    else:
        source.raise_alert(name, severity=severity_of(number))
        say(f"raised {number}")
    if fate == "ended":
        source.resolve_alert(name)
    if fate in ("ended", "taken"):
        say(f"{fate} {number}")


def a_page(folder: Path, ports: dict[str, int], source: AlertSource, server: str) -> AutomatedAlerts:
    """Three channels."""
    style = Style("en", server)
    mails = EmailChannel("127.0.0.1", ports["smtp"], "none", "a@example.org", ("b@example.org",), style)
    chat = Chat(style, SecretStr(f"http://127.0.0.1:{ports['slack']}/x"), limits=Limits())
    phone = WhatsAppChannel.from_settings(
        AlertSettings(
            host_name=server,
            twilio_account_sid="AC1",
            twilio_auth_token=SecretStr("t"),
            twilio_api_url=f"http://127.0.0.1:{ports['twilio']}",
            whatsapp_from="+5511900000000",  # because the sandbox's number takes one message in 3 s
            whatsapp_to=("+5511987654321",),
            whatsapp_minimum_severity=Severity.LOW,
        )
    )
    assert phone is not None
    settings = AlertSettings(**WITHOUT_WAITING, **COOLDOWNS)
    return AutomatedAlerts(settings, source, folder, [mails, chat, phone], SystemClock())


def run(folder: Path, ports: dict[str, int], life: int, first: int | None, again: list[int]) -> None:
    """Act and deliver until killed."""
    source = AlertSource(Journal("alerts"))
    page = a_page(folder, ports, source, f"life-{life:04}")
    page.start(lambda: True)
    say(f"up {os.getpid()}")
    for number in again:
        source.raise_alert(name_of(number), severity=severity_of(number))
    number = first
    while True:
        page.tick()
        if number is not None:
            act(page, source, number)
            number += 1
        time.sleep(random.uniform(0, 0.05) if number is not None else 1)


def main() -> None:
    """Fork at each line."""
    folder, ports = Path(sys.argv[1]), json.loads(sys.argv[2])
    for line in sys.stdin:
        child = os.fork()
        if not child:
            run(folder, ports, **json.loads(line))
        os.waitpid(child, 0)
        say(f"down {child}")


if __name__ == "__main__":
    main()
