"""A level that is changed while the application runs holds in every worker."""

from __future__ import annotations

from pathlib import Path

from app.testing import wait_until
from tests.system.server import Server


def lines_of(server: Server, name: str) -> int:
    """How many access lines ten requests leave; each has a connection of its own, to any worker."""
    for _ in range(10):
        server.client.get("/nothing", headers={"X-Request-ID": name})
    # Because a worker that is asked writes out its own lines first, and the other's come a moment later.
    return max(len(server.get("logs/recent", request_id=name)["records"]) for _ in range(10))


def test_a_level_holds_in_every_worker_until_it_is_taken_back(tmp_path: Path) -> None:
    """And, as it stands in a file, after a restart too."""
    server = Server(tmp_path, DATABASE_URL="postgresql://x@127.0.0.1:1/x", WORKERS="2")
    server.start()
    try:
        assert lines_of(server, "before") == 10
        server.post("logs/level", {"logger": "atalaia.access", "level": "ERROR"})
        names = (f"quiet-{number}" for number in range(1_000))
        wait_until(lambda: lines_of(server, next(names)) == 0, what="quiet workers")
        server.stop()
        server.start()
        assert lines_of(server, "restarted") == 0
        server.client.delete("/production/logs/level", params={"logger": "atalaia.access"})
        wait_until(lambda: lines_of(server, next(names)) == 10, what="workers as before")
    finally:
        server.stop()
