"""What happens at 02:00: killed workers, a restart, a wrong database, a full disk."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from pathlib import Path
from typing import Self

import httpx
import pytest

from .server import Server, eventually, running

NO_DATABASE = "postgresql://nobody:s3cret@127.0.0.1:1/none"


def active_titles(server: Server) -> list[str]:
    return [alert["title"] for alert in server.get("alerts/active")["alerts"]]


class Load:
    """Clients that record events until they are stopped; `acknowledged` are those answered as accepted."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._stopping = threading.Event()
        self.acknowledged: set[str] = set()
        self._threads = [threading.Thread(target=self._run, args=(n,)) for n in range(3)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        for thread in self._threads:
            thread.join()

    def _run(self, number: int) -> None:
        url = f"http://127.0.0.1:{self._server.port}/production/metrics/events"
        count = 0
        while not self._stopping.is_set():
            key = f"{number}-{count}"
            count += 1
            try:
                answer = httpx.post(url, json={"name": "ping", "key": key}, timeout=10)
            except httpx.TransportError:
                continue
            if answer.status_code == 200 and answer.json()["accepted"] == 1:
                self.acknowledged.add(key)


@pytest.mark.kill
def test_a_worker_killed_under_load_loses_nothing(tmp_path: Path) -> None:
    """SIGKILL of the leading worker: the rest go on, another leads, no accepted event is lost, it is told."""
    with running(tmp_path, WORKERS="3") as server:
        with Load(server) as load:
            eventually(lambda: len(load.acknowledged), lambda n: n > 50, what="some load")
            leader = eventually(
                lambda: server.get("system/status")["leader"], lambda pid: pid is not None, what="a leader"
            )
            os.kill(leader, signal.SIGKILL)
            eventually(
                lambda: server.get("system/status")["leader"],
                lambda pid: pid not in (leader, None),
                what="the hand-over",
            )
            before = len(load.acknowledged)
            eventually(lambda: len(load.acknowledged), lambda n: n > before + 50, what="more load")
        count = server.get("metrics/business")["custom"]["ping"]["count"]
        assert count >= len(load.acknowledged)
        eventually(
            lambda: active_titles(server),
            lambda titles: any(f"Worker {leader} died" in title for title in titles),
            what="the alert about the worker",
        )
        eventually(lambda: len(server.workers()), lambda n: n == 3, what="a new worker")


@pytest.mark.kill
def test_everything_killed_at_once_is_there_after_the_start(tmp_path: Path) -> None:
    """SIGKILL of all processes: alerts, events and backups are there again, and the database is adopted."""
    with running(tmp_path) as server:
        raised = server.post("alerts", {"title": "Still burning", "severity": "HIGH"})
        server.post("metrics/events", {"name": "cost", "key": "c", "amount": "3.50", "currency": "BRL"})
        made = server.post("backup/manual?wait=true")
        server.kill()
        server.start()
        assert "Still burning" in active_titles(server)
        told = eventually(
            lambda: [step["title"] for step in server.get("alerts/history")["events"]],
            lambda titles: "The application was not running" in titles,
            what="the word about the time without anybody",
        )
        eventually(
            lambda: list((server.root / "logs" / ".workers").glob("*.json")),
            lambda found: len(found) == 1,
            what="the burial",
        )
        server.post("alerts", {"title": "Whatever was said before this is read"})
        assert not any("died without a word" in title for title in told + active_titles(server))
        assert raised["id"] in [alert["id"] for alert in server.get("alerts/active")["alerts"]]
        assert server.get("metrics/business")["costs"]["BRL"]["total"] == "3.50"
        assert server.get("backup/status")["last_good"]["id"] == made["id"]


def test_a_restart_keeps_everything_and_ends_the_database(tmp_path: Path) -> None:
    """SIGTERM ends server and database in seconds, without an error; the next start goes on."""
    with running(tmp_path) as server:
        server.post("alerts", {"title": "Kept", "severity": "LOW"})
        assert server.stop() == 0
        assert "Traceback" not in server.output()
        assert not list((tmp_path / ".postgresql").rglob("postmaster.pid"))
        server.start()
        assert "Kept" in active_titles(server)
        assert not any("died without a word" in title for title in active_titles(server))


def test_a_second_start_from_the_same_folder_is_refused(tmp_path: Path) -> None:
    """It says so with exit code 2, and the first server and its database go on."""
    with running(tmp_path) as server:
        second = server.command("serve")
        assert second.returncode == 2
        assert "already running from this folder" in second.stderr
        assert server.get("system/status")["components"]["database"]["status"] == "ok"


def test_a_wrong_database_is_reported_and_stops_nothing(tmp_path: Path) -> None:
    """With a database that does not answer, everything else works, and it is an alert and a reason."""
    often = {"PERFORMANCE_DATABASE_INTERVAL_SECONDS": "5"}
    with running(tmp_path, DATABASE_URL=NO_DATABASE, **often) as server:
        status = eventually(
            lambda: server.get("system/status"),
            lambda document: document["components"]["database"]["status"] == "down",
            what="the database being down",
        )
        assert status["status"] == "down"
        eventually(
            lambda: server.get("alerts/active")["alerts"],
            lambda alerts: any(alert["source"] == "performance" for alert in alerts),
            what="the alert about the database",
            deadline=40,
        )
        failed = server.client.post("/production/backup/manual", params={"wait": "true"})
        assert "s3cret" not in failed.text
        assert server.post("metrics/events", {"name": "ping"})["accepted"] == 1
        assert server.command("status", "--line").returncode == 2
        assert "s3cret" not in server.output()
        for path in (tmp_path / "logs").rglob("*"):
            if path.is_file():
                assert b"s3cret" not in path.read_bytes()


def fill(path: Path) -> None:
    with path.open("wb") as file:
        while True:
            file.write(b"x" * 65536)
            file.flush()


@pytest.mark.kill
@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small file system needs root")
def test_a_full_disk_breaks_no_request_and_is_told(tmp_path: Path) -> None:
    """With logs/ full every request is still answered; status says so; it recovers by itself."""
    logs = tmp_path / "logs"
    logs.mkdir()
    # Because the rings of six logs take 12.6 MB, it is a little larger than they are.
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=40m,mode=0700", "tmpfs", str(logs)], check=False
    )
    if mounted.returncode:
        pytest.skip("this machine does not let us mount")
    try:
        with running(tmp_path) as server:
            ballast = logs / "ballast"
            with pytest.raises(OSError, match="No space"):
                fill(ballast)
            for _ in range(50):
                assert server.client.get("/nowhere").status_code == 404
            answer = server.client.get("/production/system/status")
            assert answer.status_code == 200
            assert answer.json()["status"] != "ok"
            ballast.unlink()
            eventually(
                lambda: server.client.get("/production/system/status").json()["components"]["logs"],
                lambda logs: logs["status"] == "ok",
                what="the recovery",
            )
            assert "Traceback" not in server.output()
    finally:
        subprocess.run(["umount", "--lazy", str(logs)], check=False)


def test_a_closed_logs_folder_keeps_nobody_from_starting(tmp_path: Path) -> None:
    """The application serves, says what it cannot write, and goes on by itself once it can."""
    (tmp_path / "logs").write_text("a file where the folder should be")
    with running(tmp_path) as server:
        assert server.get("system/status")["status"] == "down"
        (tmp_path / "logs").unlink()
        eventually(
            lambda: server.get("system/status"),
            lambda found: found["components"]["logs"]["status"] == "ok" and found["leader"] is not None,
            what="the recovery",
        )
        # Because a worker stands for leader first and is counted right after.
        eventually(
            lambda: server.get("system/status")["workers"], lambda found: len(found) == 1, what="the worker"
        )
        assert server.post("metrics/events", {"name": "ping"})["accepted"] == 1
