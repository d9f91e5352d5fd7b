"""The application as an operator starts it: real processes in an empty folder, ended by process id."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from app.core.postgres import EmbeddedPostgres
from app.testing import wait_until

REPOSITORY = Path(__file__).resolve().parents[2]
START_SECONDS = 60


class Server:
    """`python -m app serve` in `root`; `get` and `post` are plain requests of the operator."""

    def __init__(self, root: Path, **environment: str) -> None:
        self.root = root
        self.port = free_port()
        self.environment = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(REPOSITORY),
            "PORT": str(self.port),
            # Because nothing outside of this machine is to be asked by a test.
            "PERFORMANCE_EXTERNAL_SERVICES": "",
            **environment,
        }
        self.process: subprocess.Popen[bytes] | None = None
        # Because a kept connection dies with its worker, each request makes its own, as curl does.
        limits = httpx.Limits(max_keepalive_connections=0)
        self.client = httpx.Client(base_url=f"http://127.0.0.1:{self.port}", timeout=30, limits=limits)

    def start(self) -> None:
        with (self.root / "server.out").open("ab") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "app", "serve"],
                cwd=self.root,
                env=self.environment,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        wait_until(self._answers, what=f"the server ({self.output()[-500:]})", deadline=START_SECONDS)

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(timeout=40)
        self.process = None
        return code

    def kill(self) -> None:
        """SIGKILL to the server and every worker at once, as the kernel's OOM killer may."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.process = None

    def get(self, path: str, **query: object) -> dict:
        answer = self.client.get(f"/production/{path}", params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def post(self, path: str, body: object = None) -> dict:
        answer = (
            self.client.post(f"/production/{path}", json=body)
            if body is not None
            else self.client.post(f"/production/{path}")
        )
        assert answer.status_code < 300, answer.text
        return answer.json()

    def command(self, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "app", *arguments],
            cwd=self.root,
            env=self.environment | settings,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def workers(self) -> list[int]:
        return [worker["pid"] for worker in self.get("system/status")["workers"]]

    def output(self) -> str:
        path = self.root / "server.out"
        return path.read_text(errors="replace") if path.exists() else ""

    def _answers(self) -> bool:
        if self.process.poll() is not None:
            raise AssertionError(f"the server ended: {self.output()[-3000:]}")
        try:
            return self.client.get("/production/health/ready").status_code == 200
        except httpx.TransportError:
            return False


@contextmanager
def running(root: Path, **environment: str) -> Iterator[Server]:
    """A started server; at the end it is stopped, and killed if it does not listen to that."""
    server = Server(root, **environment)
    try:
        server.start()
        yield server
    finally:
        server.client.close()
        if server.process is not None:
            try:
                server.stop()
            except subprocess.TimeoutExpired:
                server.kill()
        # Because the data are outside of `root` where the database's account cannot get into it.
        shutil.rmtree(EmbeddedPostgres(root / ".postgresql").data_folder.parent, ignore_errors=True)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


def eventually(read, expected, *, what: str, deadline: float = 15.0):
    """The value of `read` once `expected` says yes to it."""
    found = []

    def seen() -> bool:
        found[:] = [read()]
        return expected(found[0])

    try:
        wait_until(seen, what=what, deadline=deadline)
    except AssertionError as error:
        raise AssertionError(f"{error}; the last answer was {str(found)[:2_000]}") from None
    return found[0]
