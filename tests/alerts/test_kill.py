"""SIGKILL at random instants between a raise and its deliveries."""

from __future__ import annotations

import json
import os
import random
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from app.alerts import store
from app.alerts.model import Kind
from app.testing import wait_until

from .kill_worker import fate_of
from .servers import HttpServer, Mailbox, TwilioServer, answer, smtp_server

KILLS = 20
AGAIN = 10
OVER = (Kind.RESOLVED.value, Kind.LATE.value)


class Killable:
    """Worker processes, one after the other, and what they said that they had done: word → numbers."""

    def __init__(self, folder: Path, ports: dict[str, int]) -> None:
        self.done: dict[str, set[int]] = defaultdict(set)
        self.up = 0
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.alerts.kill_worker", str(folder), json.dumps(ports)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def start(self, *, raising: bool = True, again: Sequence[int] = ()) -> None:
        """Another process goes on where the last one was killed."""
        # Because what was under way at the kill has a number already.
        first = max([0, *self.done["raised"], *self.done["muted"]]) + 2 if raising else None
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"first": first, "again": list(again)}) + "\n")
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
            if word in ("up", "down"):
                self.up = int(number) if word == "up" else 0
            else:
                self.done[word].add(int(number))


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


class DistantTwilio(TwilioServer):
    """What was sent to it may be on its way for a while after its sender died."""

    def _answer(self, connection: socket.socket) -> None:
        if random.random() < 0.1:
            time.sleep(0.3)
        super()._answer(connection)


class World:
    """Three channels' other ends, and what they were told."""

    def __init__(self, folder: Path, smtp: int, mailbox: Mailbox) -> None:
        self._database = store.open_store(folder)
        self._mailbox, self._slack, self._twilio = mailbox, HttpServer(answer(200, "ok")), DistantTwilio()
        self.ports = {"smtp": smtp, "slack": self._slack.port, "twilio": self._twilio.port}

    def headlines(self) -> dict[str, Counter[tuple[int, str]]]:
        """How often each alert was told of, and in which words, by what tells of one alert at a time."""
        chat = [request.json()["text"] for request in list(self._slack.requests)]
        return {"slack": headlines_of(chat), "whatsapp": headlines_of(self._twilio.sent())}

    def mails(self) -> tuple[set[int], int]:
        """The alerts that mails told of, alone or in a digest, and how many mails came twice."""
        ids = [str(mail["Message-ID"]).strip("<>").rpartition("@")[0] for mail in list(self._mailbox.mails)]
        arrived = set(ids)
        rows = self.rows(
            "select alert.title, notice.key, digest.key as digest from outbox notice"
            " join alert on alert.id = notice.alert_id left join outbox digest on digest.id = notice.digest"
            " where notice.channel = 'email'"
        )
        told = {number_of(row["title"]) for row in rows if {row["key"], row["digest"]} & arrived}
        return told, len(ids) - len(arrived)

    def undelivered(self) -> int:
        """How many notices wait for a channel."""
        query = "select count(*) from outbox where state in ('pending', 'sending', 'grouped')"
        return int(self.rows(query)[0][0])

    def known(self, condition: str) -> set[int]:
        """The alerts of which the file says that."""
        rows = self.rows(f"select title from alert where {condition}")
        return {number_of(row["title"]) for row in rows}

    def silenced(self) -> set[int]:
        """The alerts that are to be kept quiet."""
        rows = self.rows("select matchers from silence where ends_at > '2026' and ended_by = ''")
        return {number_of(row["matchers"]) for row in rows}

    def told_of_the_end(self, channel: str) -> set[int]:
        """The alerts of which a channel was told that they are over."""
        rows = self.rows(
            "select distinct alert.title from outbox join alert on alert.id = outbox.alert_id"
            f" where channel = '{channel}' and outbox.state in ('sent', 'accepted') and kind in {OVER}"
        )
        return {number_of(row["title"]) for row in rows}

    def rows(self, query: str) -> list[sqlite3.Row]:
        """Of the alerts file."""
        with self._database.read() as connection:
            return connection.execute(query).fetchall()

    def close(self) -> None:
        """End the servers."""
        self._slack.close()
        self._twilio.close()
        self._database.close()


@contextmanager
def world(folder: Path) -> Iterator[World]:
    """With a real SMTP server."""
    mailbox = Mailbox()
    with smtp_server(mailbox) as port:
        made = World(folder, port, mailbox)
        try:
            yield made
        finally:
            made.close()


def number_of(text: str) -> int:
    """Of the alert that a text names first."""
    found = re.search(r"alert-(\d{6})", text)
    assert found is not None, text
    return int(found[1])


def headlines_of(texts: list[str]) -> Counter[tuple[int, str]]:
    """Number and first line of each text."""
    return Counter((number_of(text), text.partition("\n")[0]) for text in texts)


def drain(around: World, killable: Killable) -> None:
    """Wait until everything that is known has been told, however much that is, while it gets less."""
    wait_until(lambda: killable.done["raised"] <= around.known("true"), what="the last one", deadline=60)
    rest, least = threading.Event(), around.undelivered()
    while least:
        wait_until(
            lambda less=least: rest.wait(0.2) or around.undelivered() < less,  # type: ignore[misc]
            what=f"the next of {least}",
            deadline=60,
        )
        least = around.undelivered()


def lost(around: World, done: dict[str, set[int]]) -> dict[str, list[int]]:
    """What was acknowledged and is gone: of whom a channel was not told, and acts that left no trace."""
    asked = done["raised"] - done["muted"]
    told = {name: {number for number, _ in said} for name, said in around.headlines().items()}
    told["email"] = around.mails()[0]
    gone = {f"raised, {name}": asked - numbers for name, numbers in told.items()}
    gone |= {f"ended, {name}": done["ended"] - around.told_of_the_end(name) for name in told}
    gone |= {f"muted, {name}": done["muted"] & numbers for name, numbers in told.items()}
    gone["ended"] = done["ended"] - around.known("state = 'resolved'")
    gone["taken"] = done["taken"] - around.known("state = 'acknowledged' and acknowledged_by = 'ana'")
    gone["muted"] = done["muted"] - around.silenced()
    return {what: sorted(numbers) for what, numbers in gone.items() if numbers}


def told_too_much(around: World) -> list[tuple[str, int]]:
    """Alerts of which a channel was told more than their beginning and what became of them."""
    kinds = Counter((name, number) for name, said in around.headlines().items() for number, _ in said)
    return [who for who, count in kinds.items() if count > (2 if fate_of(who[1]) else 1)]


def kill_often(folder: Path, kills: int) -> dict[str, Any]:
    """Raise, act and deliver, be killed so many times, and see what arrived: figures, after checking them."""
    seed = random.SystemRandom().randrange(2**32)
    print(f"seed {seed}")  # noqa: T201 because a failure has to be repeatable
    chance = random.Random(seed)
    began = time.monotonic()
    with world(folder) as around:
        with workers(folder, around.ports) as killable:
            for _ in range(kills):
                seen = sorted(number for number in killable.done["raised"] if fate_of(number) != "ended")
                killable.start(again=chance.sample(seen, min(AGAIN, len(seen))))
                time.sleep(chance.uniform(0, 0.6))
                killable.kill()
            backlog = around.undelivered()
            killable.start(raising=False)
            drain(around, killable)
        done = killable.done
        repeated = {
            name: sum(count - 1 for count in said.values()) for name, said in around.headlines().items()
        }
        repeated["email"] = around.mails()[1]
        assert (gone := lost(around, done)) == {}, (seed, gone)
        assert told_too_much(around) == [], seed
    assert all(count <= kills for count in repeated.values()), (seed, repeated)
    assert repeated["whatsapp"] == 0, (seed, "a channel that can be asked repeats nothing")
    return {
        "kills": kills, **{word: len(numbers) for word, numbers in done.items()}, "lost": 0,
        "repeated": repeated, "backlog": backlog, "seconds": round(time.monotonic() - began, 1),
    }  # fmt: skip


@pytest.mark.kill
def test_nothing_that_was_raised_is_lost(tmp_path: Path) -> None:
    """Three channels, real servers: each alert whose raise has returned arrives on each of them, and each
    crash repeats at most one message of a channel, and none of one that can be asked. What is over, taken
    on or silenced stays so, and a cooldown holds: what is raised again is told no second time.
    """
    figures = kill_often(tmp_path / "alerts", KILLS)
    print(figures)  # noqa: T201
    assert figures["raised"] > KILLS
