"""SIGKILL at random instants between a raise and its deliveries."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from app.alerts.model import Kind
from app.core.signal import Severity
from app.testing import wait_until

from .kill_worker import REMINDED_AFTER, fate_of, severity_of
from .kill_world import OVER, World, repetitions, world

KILLS = 20
AGAIN = 10
ASKED = ("whatsapp",)
"""The channels that can be asked for what a crash may have cut off."""


class Killable:
    """Worker processes, one after the other, and what they said that they had done: word → numbers."""

    def __init__(self, folder: Path, ports: dict[str, int]) -> None:
        self.done: dict[str, set[int]] = defaultdict(set)
        self.up = self.life = 0
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
        self.life += 1
        # Because what was under way at the kill has a number already.
        first = max([0, *self.done["raised"], *self.done["muted"]]) + 2 if raising else None
        assert self._process.stdin is not None
        self._process.stdin.write(
            json.dumps({"life": self.life, "first": first, "again": list(again)}) + "\n"
        )
        self._process.stdin.flush()
        wait_until(lambda: self.up, what="the worker", deadline=60)

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
    asked, told = done["raised"] - done["muted"], around.told()
    gone = {f"raised, {name}": asked - alerts.keys() for name, alerts in told.items()}
    gone |= {f"muted, {name}": done["muted"] & alerts.keys() for name, alerts in told.items()}
    gone |= {
        f"ended, {name}": {number for number in done["ended"] if not alerts.get(number, {}).keys() & OVER}
        for name, alerts in told.items()
    }
    gone["ended"] = done["ended"] - around.known("state = 'resolved'")
    gone["taken"] = done["taken"] - around.known("state = 'acknowledged' and acknowledged_by = 'ana'")
    gone["muted"] = done["muted"] - around.silenced()
    return {what: sorted(numbers) for what, numbers in gone.items() if numbers}


def told_too_much(around: World) -> dict[tuple[str, int], Counter[str]]:
    """Alerts of which a channel was told more than their beginning, what became of them, and reminders
    where there are any before tomorrow.
    """

    def is_too_much(number: int, kinds: Counter[str]) -> bool:
        reminders = kinds[Kind.REMINDER]
        may_remind = severity_of(number) is Severity.CRITICAL
        return kinds.total() - reminders > (2 if fate_of(number) else 1) or (reminders > 0 and not may_remind)

    return {
        (name, number): kinds
        for name, alerts in around.told().items()
        for number, kinds in alerts.items()
        if is_too_much(number, kinds)
    }


def crashes_that_repeat_too_much(around: World, ends: Mapping[int, str]) -> list[str]:
    """Each as a sentence: which channel, which crash, what came again."""
    return [
        f"{name}: the end of life {life} ({ends.get(life, 'none: within a life')}) repeated {keys}"
        for name, posts in around.posts().items()
        for life, keys in repetitions(posts).items()
        if name in ASKED or len(keys) > 1 or life not in ends
    ]


def live_and_die(killable: Killable, chance: random.Random) -> str:
    """One life; when and how old it was at its end."""
    seen = sorted(number for number in killable.done["raised"] if fate_of(number) != "ended")
    began = time.monotonic()
    killable.start(again=chance.sample(seen, min(AGAIN, len(seen))))
    # Because on a busy machine everything takes longer, as the start did: else little is delivered there.
    longest = min(max(0.6, 3 * (time.monotonic() - began)), 2.0)
    seconds = chance.uniform(0, longest)
    time.sleep(seconds)
    killable.kill()
    return f"after {seconds:.3f} s, at {datetime.now(UTC):%H:%M:%S.%f}"


def checked(around: World, done: dict[str, set[int]], ends: Mapping[int, str]) -> dict[str, Any]:
    """Figures of what arrived, of which nothing is missing and nothing is there too often."""
    assert lost(around, done) == {}
    assert told_too_much(around) == {}
    assert crashes_that_repeat_too_much(around, ends) == []
    gap = around.shortest_gap()
    assert gap >= REMINDED_AFTER
    posts, told = around.posts(), around.told()
    digests = {
        name: {post.key for post in found if post.key.startswith("digest")} for name, found in posts.items()
    }
    return {
        **{word: len(numbers) for word, numbers in done.items()},
        "messages": {name: len(found) for name, found in posts.items()},
        "digests": {name: len(keys) for name, keys in digests.items()},
        "reminders": {
            name: sum(kinds[Kind.REMINDER] for kinds in alerts.values()) for name, alerts in told.items()
        },
        "lost": 0,
        "repeated": {name: sum(map(len, repetitions(found).values())) for name, found in posts.items()},
        "said to be repeated by whatsapp": sum(post.says_repeated for post in posts["whatsapp"]),
        "shortest gap": gap,
    }


def kill_often(folder: Path, kills: int) -> dict[str, Any]:
    """Raise, act and deliver, be killed so many times, and see what arrived: figures, after checking them."""
    seed = random.SystemRandom().randrange(2**32)
    print(f"seed {seed}")  # noqa: T201 because a failure has to be repeatable
    chance, began = random.Random(seed), time.monotonic()
    with world(folder) as around:
        with workers(folder, around.ports) as killable:
            ends = {life: live_and_die(killable, chance) for life in range(1, kills + 1)}
            backlog = around.undelivered()
            killable.start(raising=False)
            drain(around, killable)
        figures = checked(around, killable.done, ends)
    return {"kills": kills, **figures, "backlog": backlog, "seconds": round(time.monotonic() - began, 1)}


@pytest.mark.kill
def test_nothing_that_was_raised_is_lost(tmp_path: Path) -> None:
    """Three channels, real servers: each alert whose raise has returned arrives on each of them, and each
    crash repeats at most one message of a channel, digest and reminder alike, and none of one that can be
    asked. What is over, taken on or silenced stays so, and cooldowns hold.
    """
    figures = kill_often(tmp_path / "alerts", KILLS)
    print(figures)  # noqa: T201
    assert figures["raised"] > KILLS
    assert sum(figures["reminders"].values()) > 0
    assert sum(figures["digests"].values()) > 0
