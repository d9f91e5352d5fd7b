"""The watch outside of this host."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pydantic import SecretStr

from app.alerts.heartbeat import Heartbeat
from app.core.errors import DeliveryFailed

from .servers import HttpServer, answer


@pytest.fixture
def server() -> Iterator[HttpServer]:
    """Accepts once, then is gone."""
    opened = HttpServer(answer(200, "OK"), answer(200, "OK"), answer(404))
    yield opened
    opened.close()


def test_heartbeat_says_whether_all_is_well(server: HttpServer) -> None:
    """By the address, as healthchecks.io has it; the body says what is not."""
    heartbeat = Heartbeat(SecretStr(f"{server.url}/ping/s3cr3t?x=1"))
    heartbeat.beat("")
    heartbeat.beat("a notice for email has waited")
    assert [request.line.split()[1] for request in server.requests] == [
        "/ping/s3cr3t?x=1",
        "/ping/s3cr3t/fail?x=1",
    ]
    assert server.requests[1].body == b"a notice for email has waited"
    with pytest.raises(DeliveryFailed) as caught:
        heartbeat.beat("")
    assert "s3cr3t" not in str(caught.value)
