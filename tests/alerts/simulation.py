"""A year of a room in which everything happens that can: raises, ends, acts, failures, crashes, wrong clocks.

    python -m tests.alerts.simulation 1000000 [seed]   # the year in twelve months, on every processor

What has to be so whatever happens is checked at each delivery and at the end of each month.
"""

from __future__ import annotations

import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from itertools import accumulate
from pathlib import Path
from resource import RUSAGE_CHILDREN, RUSAGE_SELF, getrusage

from app.alerts.channels.recording import RecordingChannel
from app.alerts.config import parse_plan
from app.alerts.facts import Acknowledged, Ended, Silenced, Unsilenced
from app.alerts.model import Item, Kind, Notice
from app.alerts.settings import AlertSettings
from app.core.errors import DeliveryFailed
from app.core.guard import failures
from app.core.signal import Category, Condition, Severity
from app.testing import FrozenClock

from .examples import Room, a_signal

YEAR = timedelta(days=365)
PLAN = """
people: {ana: {mail: ana@example.org}}
routes: [{match: {category: SECURITY}, to: [ana, chat]}]
escalation: [{match: {severity: CRITICAL}, steps: [{after_minutes: 10, to: [ana]}]}]
quiet_hours: {from: "22:00", to: "07:00", timezone: UTC}
maintenance: [{name: import, match: {key: "k1*"}, from: "02:00", to: "03:00", timezone: UTC}]
inhibit: [{name: cause, source: {key: k0}, target: {key: "k2*"}}]
"""
COOLDOWN = AlertSettings().cooldown_seconds
EXEMPT = (Kind.RESOLVED, Kind.ACKNOWLEDGED, Kind.ESCALATED, Kind.FLAPPING)
HAPPENINGS = {
    "look": 72, "wait": 20, "note": 1, "acknowledge": 1.5, "end": 0.7, "silence": 0.3, "unsilence": 0.3,
    "fail": 0.2, "break": 0.1, "doubt": 0.2, "work": 4, "crash": 0.5, "jump": 0.02, "suspend": 0.02,
}  # fmt: skip
"""How often each happens. What fills a year are rules that look and find what they found before."""
NAMES, WEIGHTS = tuple(HAPPENINGS), tuple(accumulate(HAPPENINGS.values()))
CATEGORIES, SEVERITIES = tuple(Category), tuple(Severity)
BEGINS, ENDS, TURNS = 0.006, 0.08, 0.3
"""How likely a look finds that a condition has begun, has ended, or (of one in ten) has changed again."""


@dataclass
class Told:
    """What a channel said of a condition last."""

    at: datetime | None = None
    severity: Severity = Severity.LOW
    jumps: int = 0
    flapping: bool = False
    message: str = ""
    episode: str = ""


@dataclass
class Month:
    """One room, its chance, and what was delivered so far."""

    room: Room
    chance: random.Random
    mean_seconds: float
    jumps: int = 0
    silences: int = 0
    trimmed_at: datetime | None = None
    bad: set[str] = field(default_factory=set)
    severity: dict[str, Severity] = field(default_factory=dict)
    seen: Counter[str] = field(default_factory=Counter)
    known: dict[tuple[str, str], Told] = field(default_factory=dict)
    counted: dict[str, int] = field(default_factory=dict)

    def happen(self, events: int) -> None:
        """So many things of which nobody knew."""
        for what in self.chance.choices(NAMES, cum_weights=WEIGHTS, k=events):
            self.seen[what] += 1
            getattr(self, f"_{what}")()

    def settle(self) -> None:
        """Everything works and stays as it is until nothing more comes."""
        self._work()
        for _ in range(80):
            self._wait(1800)
        rows = self.room.rows()
        assert not [row for row in rows if row["state"] in ("pending", "sending", "grouped", "accepted")]
        with self.room.database.read() as connection:
            silent = connection.execute(
                "select id from alert where id not in (select alert_id from outbox where state = 'sent')"
                " and id not in (select alert_id from event where what in ('withheld', 'dead', 'postponed'))"
            ).fetchall()
        assert silent == [], "an alert without a notice and without a reason"

    def _look(self) -> None:
        """A rule looks at what it looks at, and says how it is."""
        key = self._some_key()
        change = TURNS if key.endswith("7") else ENDS if key in self.bad else BEGINS
        if self.chance.random() < change:
            self.bad.symmetric_difference_update({key})
        self._observe(key, Condition.RAISED if key in self.bad else Condition.CLEARED)

    def _note(self) -> None:
        self._observe(self._some_key(), Condition.NOTED)

    def _some_key(self) -> str:
        return f"k{int(self.chance.expovariate(0.08))}"

    def _observe(self, key: str, condition: Condition) -> None:
        self.room.source.observe(
            a_signal(
                key,
                condition=condition,
                # Because the category is part of what a condition is.
                category=CATEGORIES[len(key) % 4],
                severity=self._severity_of(key),
                expires_seconds=600 if key.endswith("3") else None,
            )
        )

    def _severity_of(self, key: str) -> Severity:
        """Mostly what it was when it was looked at last."""
        if key not in self.severity or self.chance.random() < 0.1:
            self.severity[key] = self.chance.choice(SEVERITIES)
        return self.severity[key]

    def _wait(self, seconds: float | None = None) -> None:
        by = self.chance.expovariate(1 / self.mean_seconds) if seconds is None else seconds
        self.room.pass_time(seconds=by)
        self._check()
        now = self.room.clock.now()
        if self.trimmed_at is None or abs(now - self.trimmed_at) > timedelta(days=1):
            self.trimmed_at = now
            self.room.ledger.trim(self.room.folder, now - timedelta(days=3))

    def _acknowledge(self) -> None:
        if name := self._somebody():
            self.room.source.write(Acknowledged(self.room.clock.now(), name, "ana", ""))

    def _end(self) -> None:
        if name := self._somebody():
            self.room.source.write(Ended(self.room.clock.now(), name, "ana", ""))

    def _silence(self) -> None:
        self.silences += 1
        now = self.room.clock.now()
        ends_at = now + timedelta(minutes=self.chance.uniform(1, 300))
        matchers = {"key": f"k{self.chance.randrange(4)}*"}
        self.room.source.write(
            Silenced(now, f"s{self.silences}", matchers, ends_at, "ana", "", self.chance.random() < 0.3)
        )

    def _unsilence(self) -> None:
        self.room.source.write(Unsilenced(self.room.clock.now(), f"s{self.silences}", "ana"))

    def _fail(self) -> None:
        retry_after = self.chance.choice([None, 30.0])
        self.chance.choice(self.room.channels).failure = DeliveryFailed("busy", retry_after=retry_after)

    def _break(self) -> None:
        self.chance.choice(self.room.channels).failure = DeliveryFailed("gone", permanent=True)

    def _doubt(self) -> None:
        self.chance.choice(self.room.channels).failure = DeliveryFailed("no answer", uncertain=True)

    def _work(self) -> None:
        for channel in self.room.channels:
            channel.failure = None

    def _crash(self) -> None:
        """A sender dies with what it was sending in its hand."""
        self.room.ledger.fold(self.room.folder)
        self.room.outbox.claim(self.chance.choice(self.room.channels).name)
        with self.room.database.write() as connection:
            connection.execute("update outbox set lease_owner = '4194305-1' where state = 'sending'")

    def _jump(self) -> None:
        clock = self.room.clock
        clock.set((clock.now() + timedelta(hours=self.chance.choice([-1, 1]))).isoformat())
        self.jumps += 1

    def _suspend(self) -> None:
        self.room.clock.advance(hours=self.chance.uniform(1, 10))

    def _somebody(self) -> str:
        with self.room.database.read() as connection:
            rows = connection.execute("select id from alert where resolved_at is null order by id").fetchall()
        return self.chance.choice(rows)["id"] if rows else ""

    def _check(self) -> None:
        """What was delivered since the last look."""
        for channel in self.room.channels:
            for notice in channel.notices:
                lane = f"{channel.name}:ana" if notice.recipients else channel.name
                items = notice.digest.items if notice.digest else (Item(notice.kind, notice.alert),)
                for item in items:
                    self._check_item(lane, item, notice)
                if notice.digest is not None and notice.digest.total > len(items):
                    self._forget_unshown(lane, notice)
                self.counted[lane] = self.counted.get(lane, 0) + 1
            channel.notices.clear()

    def _forget_unshown(self, lane: str, notice: Notice) -> None:
        """A digest shows ten; of the others it cannot be seen from outside what was said."""
        assert notice.digest is not None
        shown = {item.alert.fingerprint for item in notice.digest.items}
        with self.room.database.read() as connection:
            rows = connection.execute(
                "select fingerprint from outbox said join outbox digest on digest.id = said.digest"
                " join alert on alert.id = said.alert_id where digest.key = ?",
                (notice.key,),
            ).fetchall()
        for fingerprint in {row["fingerprint"] for row in rows} - shown:
            self.known.pop((lane, fingerprint), None)

    def _check_item(self, lane: str, item: Item, notice: Notice) -> None:
        alert, now = item.alert, self.room.clock.now()
        known = self.known.setdefault((lane, alert.fingerprint), Told())
        if item.kind is Kind.RESOLVED and notice.digest is None:
            with self.room.database.read() as connection:
                began = connection.execute(
                    "select 1 from event where alert_id = ? and channel = ? and what = 'delivered' limit 1",
                    (alert.id, lane),
                ).fetchone()
            assert began, "an end without its beginning"
        # Because two episodes in one digest are one message, and one that a crash cut off has to come again.
        is_one_message = known.message == notice.key or notice.possibly_repeated
        is_worse = known.at is None or alert.severity.rank > known.severity.rank
        is_held = not (is_one_message or is_worse or known.flapping or item.kind in EXEMPT)
        if is_held and known.at is not None and known.jumps == self.jumps:
            assert (now - known.at).total_seconds() >= COOLDOWN(alert.severity), (item, known)
        if item.kind is Kind.ACKNOWLEDGED and known.episode != alert.id:
            # Because who learns of an episode by that is told of what is worse than it was then.
            del self.known[lane, alert.fingerprint]
        elif item.kind not in (Kind.RESOLVED, Kind.ACKNOWLEDGED):
            is_kept = item.kind is Kind.FLAPPING or known.message == notice.key
            severity = known.severity if is_kept and not is_worse else alert.severity
            flapping = item.kind is Kind.FLAPPING
            self.known[lane, alert.fingerprint] = Told(
                now, severity, self.jumps, flapping, notice.key, alert.id
            )


def live(seed: int, events: int, span: timedelta, folder: Path) -> Counter[str]:
    """Live through so many events; what happened, and how many messages there were."""
    clock = FrozenClock("2026-01-01T00:00:00Z")
    channels = [RecordingChannel("chat", takes_digests=True), RecordingChannel("mail", takes_digests=True)]
    plan = parse_plan(PLAN, "alerts.yaml", {"chat": True, "mail": True})
    room = Room(folder, clock, channels, plan, announce_acknowledgements=True)
    waits = events * HAPPENINGS["wait"] / sum(HAPPENINGS.values())
    month = Month(room, random.Random(seed), span.total_seconds() / waits)
    swallowed = failures.snapshot()
    month.happen(events)
    month.settle()
    room.close()
    assert failures.snapshot().keys() == swallowed.keys(), "something failed inside"
    month.seen.update({f"messages to {lane}": count for lane, count in month.counted.items()})
    return month.seen


def one_month(seed: int, events: int) -> Counter[str]:
    """A twelfth of a year in a folder of its own."""
    with in_memory() as folder:
        return live(seed, events, YEAR / 12, folder)


@contextmanager
def in_memory() -> Iterator[Path]:
    """A folder in memory where there is such a place, because what is looked at here is not the disk."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as name:
        yield Path(name)


def one_year(events: int, seed: int) -> Counter[str]:
    """Twelve months, as many at once as there are processors."""
    with ProcessPoolExecutor() as pool:
        months = pool.map(partial(one_month, events=events // 12), range(seed, seed + 12))
        return sum(months, Counter())


def main(number: int, seed: int) -> None:
    """Print what happened, and what that took."""
    began = time.monotonic()
    print(f"seed {seed}: {dict(one_year(number, seed))}")  # noqa: T201
    spent = [getrusage(who) for who in (RUSAGE_SELF, RUSAGE_CHILDREN)]
    processor = sum(one.ru_utime + one.ru_stime for one in spent)
    print(f"{time.monotonic() - began:.1f} s, {processor:.1f} s of processor")  # noqa: T201


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else random.SystemRandom().randrange(2**32))
