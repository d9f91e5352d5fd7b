"""The other ends of three channels while their sender is killed again and again, and what they were told."""

from __future__ import annotations

import random
import re
import socket
import sqlite3
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from pathlib import Path

from app.alerts import store
from app.alerts.channels.whatsapp import code_of
from app.alerts.model import Kind
from app.alerts.wording import WORDS

from .servers import HttpServer, Mailbox, TwilioServer, answer, smtp_server

OVER = (Kind.RESOLVED.value, Kind.LATE.value)
CHANNELS = ("email", "slack", "whatsapp")
REPEATED = WORDS["en"]["repeated"]


class DistantTwilio(TwilioServer):
    """What was sent to it may be on its way for a while after its sender died."""

    def _answer(self, connection: socket.socket) -> None:
        if random.random() < 0.1:
            time.sleep(0.3)
        super()._answer(connection)


@dataclass(frozen=True)
class Post:
    """A message that arrived: of which notice it is, and in which life of the sender it was sent."""

    key: str
    life: int
    says_repeated: bool = False


class World:
    """Three channels' other ends, and what they were told."""

    def __init__(self, folder: Path, smtp: int, mailbox: Mailbox) -> None:
        self._database = store.open_store(folder)
        self._mailbox, self._slack, self._twilio = mailbox, HttpServer(answer(200, "ok")), DistantTwilio()
        self.ports = {"smtp": smtp, "slack": self._slack.port, "twilio": self._twilio.port}

    def posts(self) -> dict[str, list[Post]]:
        """Everything that arrived, by channel."""
        coded = {code_of(row["key"]): row["key"] for row in self.rows("select key from outbox")}
        return {
            "email": [
                Post(str(mail["Message-ID"]).strip("<>").rpartition("@")[0], life_in(str(mail["Subject"])))
                for mail in list(self._mailbox.mails)
            ],
            "slack": [
                Post((said := request.json())["notice"], life_in(said["server"]))
                for request in list(self._slack.requests)
            ],
            "whatsapp": [
                Post(coded[text.split()[-1]], life_in(text), REPEATED in text) for text in self._twilio.sent()
            ],
        }

    def told(self) -> dict[str, dict[int, Counter[str]]]:
        """Channel → alert → how many notices of each kind arrived, alone or in a digest."""
        arrived = {(name, post.key) for name, posts in self.posts().items() for post in posts}
        rows = self.rows(
            "select alert.title, notice.channel, notice.kind, notice.key, digest.key as digest"
            " from outbox notice join alert on alert.id = notice.alert_id"
            " left join outbox digest on digest.id = notice.digest"
        )
        told: dict[str, dict[int, Counter[str]]] = {name: defaultdict(Counter) for name in CHANNELS}
        for row in rows:
            if arrived & {(row["channel"], row["key"]), (row["channel"], row["digest"])}:
                told[row["channel"]][number_of(row["title"])][row["kind"]] += 1
        return told

    def shortest_gap(self) -> float:
        """The shortest time in seconds between two notices to a channel that one alert fires."""
        # Because what WhatsApp was told is touched again when it is asked what became of it.
        rows = self.rows(
            "select alert_id, channel, touched_at from outbox where kind in ('fired', 'reminder')"
            " and state = 'sent' and channel != 'whatsapp' order by alert_id, channel, touched_at"
        )
        moments: dict[tuple[str, str], list[datetime]] = defaultdict(list)
        for row in rows:
            moments[row["alert_id"], row["channel"]].append(datetime.fromisoformat(row["touched_at"]))
        gaps = [later - one for found in moments.values() for one, later in pairwise(found)]
        return min(gap.total_seconds() for gap in gaps) if gaps else 0.0

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
    return _number_after("alert", text)


def life_in(text: str) -> int:
    """The life of the sender that a text names first."""
    return _number_after("life", text)


def _number_after(word: str, text: str) -> int:
    found = re.search(rf"{word}-(\d+)", text)
    assert found is not None, text
    return int(found[1])


def repetitions(posts: list[Post]) -> dict[int, list[str]]:
    """The ends of lives after which something came again that had been sent in them: life → notices.

    What came twice in one life is the fault of no end, and is found under 0.
    """
    lives: dict[str, list[int]] = defaultdict(list)
    for post in posts:
        lives[post.key].append(post.life)
    found: dict[int, list[str]] = defaultdict(list)
    for key, sent_in in lives.items():
        for one, later in pairwise(sorted(sent_in)):
            found[one if one < later else 0].append(key)
    return found
