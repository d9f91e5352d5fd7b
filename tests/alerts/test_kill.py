"""SIGKILL at random instants between a raise and its deliveries."""

from __future__ import annotations

import json
import os
import random
import re
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import unquote_plus

import pytest

from app.testing import wait_until

from .servers import HttpServer, Mailbox, answer, smtp_server

KILLS = 40


class Killable:
    """Worker processes, one after the other, and what they acknowledged."""

    def __init__(self, folder: Path, ports: dict[str, int]) -> None:
        self.acknowledged: set[int] = set()
        self.up = 0
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.alerts.kill_worker", str(folder), json.dumps(ports)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def start(self, *, raising: bool = True) -> None:
        """Another process goes on where the last one was killed."""
        first = max(self.acknowledged, default=0) + 2 if raising else None
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"first": first}) + "\n")
        self._process.stdin.flush()
        wait_until(lambda: self.up, what="the worker", deadline=30)

    def kill(self) -> None:
        """Without a word."""
        os.kill(self.up, signal.SIGKILL)
        wait_until(lambda: not self.up, what="the end of the worker")

    def close(self) -> None:
        """End the parent of them all."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(10)
        self._reader.join(10)
        assert self._process.stdout is not None
        self._process.stdout.close()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            word, number = line.split()
            if word == "ack":
                self.acknowledged.add(int(number))
            else:
                self.up = int(number) if word == "up" else 0


@contextmanager
def workers(folder: Path, ports: dict[str, int]) -> Iterator[Killable]:
    """Ended in the end."""
    killable = Killable(folder, ports)
    try:
        yield killable
    finally:
        if killable.up:
            killable.kill()
        killable.close()


def numbers(texts: list[str]) -> Counter[int]:
    """How often each alert was told of."""
    found: Counter[int] = Counter()
    for text in texts:
        match = re.search(r"alert-(\d{6})", text)
        assert match is not None, text
        found[int(match[1])] += 1
    return found


@pytest.mark.kill
def test_nothing_that_was_raised_is_lost(tmp_path: Path) -> None:
    """Three channels, real servers: each alert whose raise has returned arrives on each of them, and each
    crash repeats at most one message of a channel.
    """
    seed = random.SystemRandom().randrange(2**32)
    print(f"seed {seed}")  # noqa: T201 because a failure has to be repeatable
    chance = random.Random(seed)
    mailbox = Mailbox()
    slack, twilio = HttpServer(answer(200, "ok")), HttpServer(answer(201, '{"sid": "SM1"}'))
    began = time.monotonic()

    def told() -> dict[str, Counter[int]]:
        return {
            "email": numbers([str(mail["Subject"]) for mail in list(mailbox.mails)]),
            "slack": numbers([request.body.decode() for request in list(slack.requests)]),
            "whatsapp": numbers([unquote_plus(request.body.decode()) for request in list(twilio.requests)]),
        }

    with smtp_server(mailbox) as port:
        ports = {"smtp": port, "slack": slack.port, "twilio": twilio.port}
        with workers(tmp_path / "alerts", ports) as killable:
            for _ in range(KILLS):
                killable.start()
                time.sleep(chance.uniform(0, 0.6))
                killable.kill()
            killable.start(raising=False)
            wait_until(
                lambda: all(killable.acknowledged <= set(counts) for counts in told().values()),
                what=f"every acknowledged alert on every channel (seed {seed})",
                deadline=60,
            )
    slack.close()
    twilio.close()
    repeated = {name: sum(count - 1 for count in counts.values()) for name, counts in told().items()}
    raised = len(killable.acknowledged)
    print(f"{raised} raised, {KILLS} kills, repeated {repeated}, {time.monotonic() - began:.1f} s")  # noqa: T201
    assert raised > KILLS
    assert all(count <= KILLS for count in repeated.values()), seed
