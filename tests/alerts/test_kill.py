"""SIGKILL at random instants between a raise and its deliveries."""

from __future__ import annotations

import json
import os
import random
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest

from app.alerts import store
from app.testing import wait_until

from .servers import HttpServer, Mailbox, Request, Script, _read_request, answer, smtp_server

KILLS = 20


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


class TwilioServer(HttpServer):
    """A Twilio that can be asked what it has been given."""

    def sent(self) -> list[str]:
        """The texts, in order."""
        posts = [request for request in list(self.requests) if request.line.startswith("POST")]
        return [parse_qs(request.body.decode())["Body"][0] for request in posts]

    def _answer(self, connection: socket.socket) -> None:
        try:
            with connection as wire:
                request = _read_request(wire)
                self.requests.append(request)
                self._reply(request)(wire)
        except OSError:
            return  # Because a client that is killed leaves early.

    def _reply(self, request: Request) -> Script:
        if request.line.startswith("POST"):
            return answer(201, json.dumps({"sid": f"SM{len(self.requests)}", "status": "queued"}))
        if "/Messages.json" in request.line:
            found = [{"sid": f"SM{n}", "body": text, "status": "sent"} for n, text in enumerate(self.sent())]
            return answer(200, json.dumps({"messages": found[::-1][:100], "page": 0, "page_size": 100}))
        return answer(200, json.dumps({"sid": "SM1", "status": "delivered"}))


def mailed(folder: Path, mailbox: Mailbox) -> tuple[set[int], int]:
    """The alerts that mails told of, by themselves or in a digest, and how many mails came twice."""
    ids = [str(mail["Message-ID"]).strip("<>").rpartition("@")[0] for mail in list(mailbox.mails)]
    database = store.open_store(folder)
    with database.read() as connection:
        rows = connection.execute(
            "select alert.title, notice.key, digest.key as digest from outbox notice"
            " join alert on alert.id = notice.alert_id left join outbox digest on digest.id = notice.digest"
            " where notice.channel = 'email' and notice.state = 'sent'"
        ).fetchall()
    database.close()
    arrived = set(ids)
    told = {int(row["title"][-6:]) for row in rows if {row["key"], row["digest"]} & arrived}
    return told, len(ids) - len(arrived)


def is_sent(folder: Path, number: int) -> bool:
    """Whether so many alerts at least are known, and nothing waits for a channel."""
    time.sleep(0.5)  # Because counting takes time from those who send.
    database = store.open_store(folder)
    with database.read() as connection:
        (known,) = connection.execute("select count(*) from alert").fetchone()
        (waiting,) = connection.execute(
            "select count(*) from outbox where state in ('pending', 'sending', 'grouped')"
        ).fetchone()
    database.close()
    return known >= number and not waiting


def kill_often(folder: Path, kills: int) -> dict[str, Any]:
    """Raise and deliver, be killed so many times, and see what arrived: figures, after checking them."""
    seed = random.SystemRandom().randrange(2**32)
    print(f"seed {seed}")  # noqa: T201 because a failure has to be repeatable
    chance = random.Random(seed)
    mailbox, slack, twilio = Mailbox(), HttpServer(answer(200, "ok")), TwilioServer()
    began = time.monotonic()

    def told() -> dict[str, Counter[int]]:
        return {
            "slack": numbers([request.body.decode() for request in list(slack.requests)]),
            "whatsapp": numbers(twilio.sent()),
        }

    with smtp_server(mailbox) as port:
        ports = {"smtp": port, "slack": slack.port, "twilio": twilio.port}
        with workers(folder, ports) as killable:
            for _ in range(kills):
                killable.start()
                time.sleep(chance.uniform(0, 0.6))
                killable.kill()
            killable.start(raising=False)

            # Because how long a backlog takes is another question than whether it arrives.
            wait_until(
                lambda: is_sent(folder, len(killable.acknowledged)), what="the last one", deadline=60 + kills
            )
            arrived = {**told(), "email": mailed(folder, mailbox)[0]}
            lost = {name: sorted(killable.acknowledged - set(known)) for name, known in arrived.items()}
    slack.close()
    twilio.close()
    repeated = {name: sum(count - 1 for count in counts.values()) for name, counts in told().items()}
    repeated["email"] = mailed(folder, mailbox)[1]
    raised = len(killable.acknowledged)
    assert not any(lost.values()), (seed, lost)
    assert all(count <= kills for count in repeated.values()), seed
    # Because what the server has received and not yet read cannot be found there.
    assert repeated["whatsapp"] <= kills // 20, "a channel that can be asked repeats next to nothing"
    return {
        "kills": kills, "raised": raised, "lost": 0, "repeated": repeated, "mails": len(mailbox.mails),
        "seconds": round(time.monotonic() - began, 1),
    }  # fmt: skip


@pytest.mark.kill
def test_nothing_that_was_raised_is_lost(tmp_path: Path) -> None:
    """Three channels, real servers: each alert whose raise has returned arrives on each of them, and each
    crash repeats at most one message of a channel, next to none of one that can be asked.
    """
    figures = kill_often(tmp_path / "alerts", KILLS)
    print(figures)  # noqa: T201
    assert figures["raised"] > KILLS
