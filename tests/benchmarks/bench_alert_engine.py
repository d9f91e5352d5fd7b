"""What the alert engine does under load: `python -m tests.benchmarks.bench_alert_engine [--full]`.

1. 64 threads raise as fast as they can;  2. an attempt to deliver, next to a bare SQLite file that commits
as many rows;  3. 10,000 distinct raises in ten seconds, with CRITICAL ones in the middle;  4. four processes
that see the same condition;  5. the sender is killed.
With --full the storm is watched for five minutes, there are 1,000 trials of (4), 500 kills (three channels
with real servers) and a simulated year.
"""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import sqlite3
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from pydantic import SecretStr

from app.alerts.channels.recording import RecordingChannel
from app.alerts.channels.slack import SlackChannel
from app.alerts.message import Style
from app.alerts.model import Limits, Notice, Receipt
from app.alerts.settings import AlertSettings
from app.core.clock import SystemClock
from app.core.journal import Journal
from app.core.leader import Leader
from app.core.signal import Severity
from app.core.together import Together
from app.services.automated_alerts import AlertSource, AutomatedAlerts
from app.testing import FrozenClock, wait_until
from tests.alerts.examples import Room
from tests.alerts.servers import HttpServer, answer
from tests.alerts.simulation import in_memory
from tests.alerts.simulation import main as a_year
from tests.alerts.test_kill import kill_often

FORK = multiprocessing.get_context("fork")
IN_NO_TIME = AlertSettings(
    group_wait_high_seconds=0, group_wait_medium_seconds=0, group_wait_low_seconds=0, settle_seconds=0
)


def page_in(folder: Path, *channels: object, settings: AlertSettings | None = None) -> AutomatedAlerts:
    """A page with a source of its own."""
    source = AlertSource(Journal("alerts"))
    page = AutomatedAlerts(settings or AlertSettings(), source, folder, channels, SystemClock())  # type: ignore[arg-type]
    page.open()
    return page


def shown(seconds: list[float]) -> str:
    """Median and 95th percentile."""
    p95 = statistics.quantiles(seconds, n=20)[-1]
    return f"p50 {statistics.median(seconds) * 1e3:.3f} ms, p95 {p95 * 1e3:.3f} ms"


def by_many_threads(
    call: Callable[[str], object], threads: int, each: int
) -> tuple[float, float, list[float]]:
    """Calls a second, microseconds of CPU of each call, and how long each one took."""
    spent = list[float]()

    def work(number: int) -> None:
        for turn in range(each):
            began = time.perf_counter()
            call(f"{number}-{turn}")
            spent.append(time.perf_counter() - began)

    workers = [threading.Thread(target=work, args=(number,)) for number in range(threads)]
    began, used = time.perf_counter(), time.process_time()
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    took, used = time.perf_counter() - began, time.process_time() - used
    return len(spent) / took, used / len(spent) * 1e6, spent


def raise_from_many_threads(folder: Path, threads: int = 64, each: int = 300) -> None:
    """raise_alert() of distinct alerts, durable against SIGKILL when it returns."""
    page = page_in(folder)
    rate, _, spent = by_many_threads(page._source.raise_alert, threads, each)
    print(f"raise_alert(), {threads} threads: {rate:,.0f}/s, {shown(spent)}")
    page.stop()


@contextmanager
def bare_group_commit(folder: Path) -> Iterator[Callable[[str], object]]:
    """One row for each who comes, one durable commit for all who came meanwhile, and nothing else."""
    connection = sqlite3.connect(folder / "bare.db", isolation_level=None, check_same_thread=False)
    connection.executescript("pragma journal_mode = wal; pragma synchronous = full; create table t (x text);")

    def commit(rows: Sequence[str]) -> Sequence[str]:
        connection.execute("begin immediate")
        connection.executemany("insert into t values (?)", [(row,) for row in rows])
        connection.execute("commit")
        return rows

    yield Together(commit)
    connection.close()


def raise_and_commit_from_many_threads(folder: Path, threads: int = 64, each: int = 30) -> None:
    """raise_now(), as POST does: answered after a durable commit; beside the least that this can cost."""
    page, rounds = page_in(folder), list[tuple[float, float, float]]()
    spent = list[float]()
    with bare_group_commit(folder) as bare:
        for turn in range(5):
            least, _, _ = by_many_threads(bare, threads, each)
            raising = partial(_raise_now, page, turn)
            rate, used, took = by_many_threads(raising, threads, each)
            rounds.append((rate, used, rate / least))
            spent += took
    rate, used, ratio = (statistics.median(column) for column in zip(*rounds, strict=True))
    print(
        f"raise_now(), {threads} threads: {rate:,.0f}/s, {shown(spent)}, {used:.0f} µs of CPU each;"
        f" {ratio:.2f} x a bare durable group commit"
    )
    page.stop()


def _raise_now(page: AutomatedAlerts, turn: int, title: str) -> object:
    return page.raise_now(f"{turn} {title}")


def attempts_against_bare(_: Path) -> None:
    """claim() and sent(), without the channel: two transactions, in processor time, on no disk."""
    with in_memory() as folder:
        attempt_often(folder, rounds=20, each=50)


def attempt_often(folder: Path, rounds: int, each: int) -> None:
    """Print what one took, and how many times a bare file."""
    room = Room(folder / "alerts", FrozenClock())
    bare = sqlite3.connect(folder / "bare.db", isolation_level=None)
    bare.executescript("pragma journal_mode = wal; pragma synchronous = full; create table t (x text);")
    rows, ratios, spent = 0, [], []
    for turn in range(rounds):
        for number in range(each):
            room.observe(f"{turn}-{number}", severity=Severity.CRITICAL)
        with room.database.read() as connection:
            before = connection.total_changes
        ours = processor_seconds(lambda: deliver(room), each)
        with room.database.read() as connection:
            rows = (connection.total_changes - before) // each
        floor = processor_seconds(lambda: commit_rows(bare, (1, rows - 1)), each)  # noqa: B023 called at once
        ratios.append(ours / floor)
        spent.append(ours)
    bare.close()
    room.close()
    print(
        f"an attempt: {statistics.median(spent) * 1e6:.0f} us of processor, {statistics.median(ratios):.1f}"
        f" times a bare SQLite file that commits as many rows ({rows}) in two transactions"
    )


def deliver(room: Room) -> None:
    """One notice, as a sender does it."""
    claim = room.outbox.claim("recording")
    assert claim is not None
    assert room.outbox.sent(claim, Receipt("1"))


def commit_rows(bare: sqlite3.Connection, numbers: tuple[int, ...]) -> None:
    """A transaction of so many rows for each number."""
    for number in numbers:
        bare.execute("begin immediate")
        for _ in range(number):
            bare.execute("insert into t values ('an alert of about so many characters')")
        bare.commit()


def processor_seconds(work: Callable[[], None], times: int) -> float:
    """Of one call, of several in a row."""
    began = time.thread_time()
    for _ in range(times):
        work()
    return (time.thread_time() - began) / times


class Timed(RecordingChannel):
    """A channel that notes when each title came."""

    def __init__(self, name: str) -> None:
        super().__init__(name, takes_digests=True)
        self.came: dict[str, float] = {}

    def deliver(self, notice: Notice) -> Receipt:
        """Now."""
        for alert in [item.alert for item in notice.digest.items] if notice.digest else [notice.alert]:
            self.came.setdefault(alert.title, time.perf_counter())
        return super().deliver(notice)


def storm(folder: Path, watched_seconds: float, number: int = 10_000) -> None:
    """A thousand distinct raises a second for ten seconds, three of four severities, and 20 CRITICAL."""
    channels = [Timed("mail"), Timed("chat")]
    page = page_in(folder, *channels, settings=AlertSettings(settle_seconds=0))
    page.start(lambda: True)
    usual, raised = [Severity.LOW, Severity.MEDIUM, Severity.HIGH], {}
    began = time.perf_counter()
    for turn in range(number):
        time.sleep(max(began + turn * 10 / number - time.perf_counter(), 0))
        title = f"a{turn}"
        severity = usual[turn % 3]
        if turn % 500 == 250 and len(raised) < 3:
            severity, title = Severity.CRITICAL, f"bad {turn}"
            raised[title] = time.perf_counter()
        page._source.raise_alert(title, severity=severity)
    took = time.perf_counter() - began
    wait_until(lambda: page.stats()["total"] == number, what="the history", deadline=120)
    kept = time.perf_counter() - began
    end = began + watched_seconds
    while time.perf_counter() < end:
        time.sleep(0.2)
        page.tick()
    waited = [channel.came[title] - at for channel in channels for title, at in raised.items()]
    messages = [len(channel.notices) for channel in channels]
    told = [sum(n.digest.total if n.digest else 1 for n in channel.notices) for channel in channels]
    print(
        f"storm of {number:,} in {took:.1f} s: all in history after {kept:.1f} s; in {watched_seconds:g} s"
        f" {messages} messages that tell of {told}; CRITICAL in the middle {min(waited):.3f} to"
        f" {max(waited):.3f} s"
    )
    page.stop()


def same_condition(folder: Path, trials: int) -> None:
    """Four processes raise the same alert at once; one of them delivers."""
    channel = RecordingChannel()
    page = page_in(folder, channel, settings=IN_NO_TIME)
    barrier = FORK.Barrier(4)

    def raises(leads: bool) -> None:
        # Because every worker has the same channels, whichever reads a raise decides to whom it goes.
        own = page if leads else page_in(folder, RecordingChannel(), settings=IN_NO_TIME)
        if not leads:
            own.start(lambda: False)
        for trial in range(trials):
            barrier.wait()
            own._source.raise_alert(f"trial {trial}", severity=Severity.CRITICAL)
        if not leads:
            own.stop()

    others = [FORK.Process(target=raises, args=(False,)) for _ in range(3)]
    for other in others:
        other.start()
    page.start(lambda: True)
    raises(True)
    wait_until(
        lambda: len({n.alert.title for n in channel.notices}) == trials, what="every notice", deadline=120
    )
    for other in others:
        other.join()
    page.tick()
    time.sleep(1)
    exact = len(channel.notices) == trials
    print(f"4 processes, same condition: {len(channel.notices)} notices in {trials} trials, exact: {exact}")
    page.stop()


def takeover(folder: Path, trials: int) -> None:
    """Two processes; the one that leads is killed, and something is raised at that moment."""
    server = HttpServer(answer(200, "ok"))
    chat = SlackChannel(Style("en", "shop-1"), SecretStr(f"{server.url}/x"), limits=Limits())
    settings = AlertSettings(settle_seconds=0, refill_seconds=0)

    def works() -> None:
        leader = Leader(folder / ".leader")
        leader.start()
        page = page_in(folder, chat, settings=settings)
        page.start(lambda: leader.is_leader)
        threading.Event().wait()

    def start() -> multiprocessing.process.BaseProcess:
        process = FORK.Process(target=works)
        process.start()
        return process

    workers, spent = [start(), start()], []
    page = page_in(folder)
    for trial in range(trials):
        time.sleep(1.5)
        pid = Leader(folder / ".leader").holder()
        victim = next(worker for worker in workers if worker.pid == pid)
        assert victim.pid is not None
        os.kill(victim.pid, signal.SIGKILL)
        began = time.perf_counter()
        page._source.raise_alert(f"taken over {trial}", severity=Severity.CRITICAL)
        name = f"taken over {trial}".encode()
        wait_until(lambda name=name: any(name in r.body for r in server.requests), deadline=20)  # type: ignore[misc]
        spent.append(time.perf_counter() - began)
        victim.join()
        workers = [worker for worker in workers if worker is not victim] + [start()]
    print(f"sender killed, {trials} times: the next one delivers within {max(spent):.2f} s")
    for worker in workers:
        worker.kill()
        worker.join()
    page.stop()
    server.close()


def main() -> None:
    """Print one line for each."""
    full = "--full" in sys.argv
    with tempfile.TemporaryDirectory() as name:
        places = (Path(name) / str(number) for number in range(99))
        turns: list[Callable[[Path], object]] = [
            raise_from_many_threads,
            raise_and_commit_from_many_threads,
            attempts_against_bare,
            lambda place: same_condition(place, 1_000 if full else 100),
            lambda place: takeover(place, 5),
            lambda place: storm(place, 300 if full else 20),
        ]
        if full:
            turns.append(lambda place: print("killed:", kill_often(place, 500)))
            turns.append(lambda _: a_year(1_000_000, random.randrange(2**32)))
        for turn in turns:
            turn(next(places))


if __name__ == "__main__":
    main()
