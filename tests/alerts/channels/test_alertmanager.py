"""Prometheus's Alertmanager: a scripted one, and the real one where Debian's package is installed."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from app.alerts.channels.alertmanager import AlertmanagerChannel
from app.alerts.model import Kind, Notice, State
from app.core.clock import parse_rfc3339
from app.core.errors import DeliveryFailed
from app.core.signal import Severity
from app.testing import wait_until
from tests.alerts.channels.conftest import Serve
from tests.alerts.examples import ENGLISH, a_notice
from tests.alerts.servers import answer

PROGRAM = shutil.which("prometheus-alertmanager")


def a_real_notice(kind: Kind = Kind.FIRED, **changes: Any) -> Notice:
    """One of now: Alertmanager has a clock of its own."""
    return a_notice(kind, at=datetime.now(UTC) - timedelta(seconds=5), **changes)


def over(notice: Notice) -> Notice:
    """The end of it."""
    alert = replace(notice.alert, state=State.RESOLVED, resolved_at=datetime.now(UTC))
    return Notice(f"{notice.alert.id}.resolved", Kind.RESOLVED, alert)


def test_alert_is_posted_with_its_identity_as_labels(serve: Serve) -> None:
    """What may change stands in the annotations; it stands for an hour."""
    server = serve(answer(200))
    token = SecretStr("t0ken")
    notice = a_notice(labels={"runbook": "https://wiki/x", "route.name": "/pay"}, message="why")
    AlertmanagerChannel(f"{server.url}/", ENGLISH, token=token).deliver(notice)
    (request,) = server.requests
    assert request.line.startswith("POST /api/v2/alerts ")
    assert request.headers["authorization"] == "Bearer t0ken"
    (alert,) = request.json()
    assert alert["labels"] == {
        "alertname": "Gateway refuses", "fingerprint": notice.alert.fingerprint, "severity": "high",
        "category": "business", "source": "app", "instance": "shop-1",
    }  # fmt: skip
    said = alert["annotations"]
    assert (said["summary"], said["description"]) == ("HIGH: Gateway refuses", "why")
    assert (said["runbook_url"], said["label_route_name"]) == ("https://wiki/x", "/pay")
    lasts = parse_rfc3339(alert["endsAt"]) - datetime.now(UTC)
    assert timedelta(minutes=59) < lasts <= timedelta(hours=1)


def test_what_got_worse_is_another_alert_there(serve: Serve) -> None:
    """Its severity is a label; so the one with the lower one ends."""
    server = serve(answer(200))
    notice = a_real_notice(Kind.WORSE, severity=Severity.HIGH)
    AlertmanagerChannel(server.url, ENGLISH).deliver(notice)
    sent = server.requests[0].json()
    now = datetime.now(UTC)
    fires = {one["labels"]["severity"]: parse_rfc3339(one["endsAt"]) > now for one in sent}
    assert fires == {"high": True, "medium": False, "low": False}


def test_refreshing_is_no_failure_while_nobody_answers(serve: Serve) -> None:
    """The next one is a minute away, and deliveries tell that it is down."""
    AlertmanagerChannel(serve(answer(503)).url, ENGLISH).refresh([a_notice().alert])


@pytest.fixture
def real(tmp_path: Path) -> Iterator[str]:
    """A real Alertmanager on loopback; its address."""
    if PROGRAM is None:
        pytest.skip("prometheus-alertmanager is not installed")
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"127.0.0.1:{free.getsockname()[1]}"
    config = tmp_path / "alertmanager.yml"
    config.write_text("route: {receiver: none, group_wait: 1s}\nreceivers: [{name: none}]\n")
    arguments = [f"--config.file={config}", f"--storage.path={tmp_path}", f"--web.listen-address={address}"]
    with subprocess.Popen(
        [PROGRAM, *arguments, "--cluster.listen-address="],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        channel = AlertmanagerChannel(f"http://{address}", ENGLISH)
        wait_until(lambda: answers(channel), deadline=20)
        yield f"http://{address}"
        process.kill()


def answers(channel: AlertmanagerChannel) -> bool:
    """Whether it is up."""
    try:
        channel.check()
    except DeliveryFailed:
        return False
    return True


def shown(url: str) -> dict[str, str]:
    """Title → severity of what is active there."""
    with urllib.request.urlopen(f"{url}/api/v2/alerts", timeout=5) as response:
        found = json.load(response)
    return {one["labels"]["alertname"]: one["labels"]["severity"] for one in found}


def test_real_one_shows_what_fires_and_what_is_over(real: str) -> None:
    """Hostile titles among it."""
    channel = AlertmanagerChannel(real, ENGLISH)
    first, hostile = a_real_notice(), a_real_notice(title="\ud800 <x> {{ .Labels }} \u202e\x00é")
    for notice in (first, hostile):
        channel.deliver(notice)
    wait_until(lambda: set(shown(real)) == {"Gateway refuses", hostile.alert.title})
    for notice in (first, hostile):
        channel.deliver(over(notice))
    wait_until(lambda: shown(real) == {})


def test_real_one_follows_the_severity(real: str) -> None:
    """One alert, not two."""
    channel = AlertmanagerChannel(real, ENGLISH)
    channel.deliver(a_real_notice(severity=Severity.MEDIUM))
    wait_until(lambda: shown(real) == {"Gateway refuses": "medium"})
    worse = a_real_notice(Kind.WORSE, severity=Severity.CRITICAL)
    channel.deliver(worse)
    wait_until(lambda: shown(real) == {"Gateway refuses": "critical"})
    channel.deliver(over(worse))
    wait_until(lambda: shown(real) == {})


def test_real_one_is_told_again_after_it_forgot(real: str) -> None:
    """As after its restart: refresh() sends what fires, many at once."""
    alerts = [a_real_notice(title=f"Alert {number}").alert for number in range(450)]
    minor = a_real_notice(title="Minor", severity=Severity.LOW).alert
    AlertmanagerChannel(real, ENGLISH, minimum_severity=Severity.HIGH).refresh([*alerts, minor])
    wait_until(lambda: len(shown(real)) == 450)
    assert "Minor" not in shown(real)


def test_what_was_over_when_it_could_be_told_is_shown_for_a_while(real: str) -> None:
    """Because Alertmanager says nothing about what has ended."""
    alert = over(a_real_notice()).alert
    AlertmanagerChannel(real, ENGLISH).deliver(Notice("k", Kind.LATE, alert))
    wait_until(lambda: set(shown(real)) == {"Gateway refuses"})
