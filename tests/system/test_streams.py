"""A log is followed over HTTP with a real server, which stops all the same."""

from __future__ import annotations

import time
from pathlib import Path

import httpx

from tests.system.server import running


def test_a_server_stops_while_somebody_follows(tmp_path: Path) -> None:
    """Every stream ends at once, and as it should; what was logged until then was sent."""
    plain = {"accept": "*/*", "accept-encoding": "identity"}
    with (
        running(tmp_path, DATABASE_URL="postgresql://x@127.0.0.1:1/x", WORKERS="2") as server,
        httpx.Client(timeout=30, headers=plain, base_url=str(server.client.base_url)) as client,
        client.stream("GET", "/production/logs/stream?last=0") as answer,
    ):
        lines = answer.iter_lines()
        assert next(lines) == ": following app.log"
        server.client.get("/nothing-of-ours")
        # Because the probe that found the server ready may have been logged by the other worker after all.
        assert next(line for line in lines if "GET <unmatched> 404" in line).startswith("data: ")
        began = time.monotonic()
        assert server.stop() == 0
        list(lines)
    assert time.monotonic() - began < 8
