"""What an alert costs and how soon it is on the wire: `python -m tests.benchmarks.bench_alerts [rounds]`.

The contenders take turns within each round, next to a bare durable commit of SQLite on the same disk;
what is worth comparing on a shared machine are the medians of the ratios within a round.
"""

from __future__ import annotations

import sqlite3
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from pydantic import SecretStr

from app.alerts.channels import Channel, slack_client
from app.alerts.channels.email import EmailChannel
from app.alerts.channels.recording import RecordingChannel
from app.alerts.channels.slack import SlackChannel
from app.alerts.message import Style
from app.alerts.model import Limits, Notice, Receipt
from app.alerts.settings import AlertSettings
from app.core.clock import SystemClock
from app.core.journal import Journal
from app.core.signal import Severity
from app.services.automated_alerts import AlertSource, AutomatedAlerts
from tests.alerts.servers import HttpServer, Mailbox, answer, smtp_server

Timed = Callable[[], float]
STYLE = Style("en", "shop-1")
IMPORTED_EARLY = slack_client
UNHURRIED = AlertSettings(refill_seconds=0, settle_seconds=0)
"""Because a round is a second long, and a channel would have had its share of messages after four."""


class Arrived:
    """When something came, for one who waits for it."""

    def __init__(self) -> None:
        self.at = 0.0
        self._event = threading.Event()

    def now(self) -> None:
        """It is here."""
        self.at = time.perf_counter()
        self._event.set()

    def since(self, began: float) -> float:
        """Seconds until it came."""
        assert self._event.wait(10)
        self._event.clear()
        return self.at - began


class Instant(RecordingChannel):
    """A channel that only says when it was called."""

    def __init__(self, arrived: Arrived) -> None:
        super().__init__()
        self._arrived = arrived

    def deliver(self, notice: Notice) -> Receipt:
        """The moment at which a message would leave."""
        self._arrived.now()
        return super().deliver(notice)


class Greeting(Mailbox):
    """A mailbox that says when the sender's first command about a mail came."""

    def __init__(self, arrived: Arrived) -> None:
        super().__init__()
        self._arrived = arrived

    async def handle_MAIL(self, *arguments: object) -> str:  # type: ignore[override]  # noqa: N802
        """MAIL FROM."""
        self._arrived.now()
        return await super().handle_MAIL(*arguments)  # type: ignore[arg-type]


def timed(work: Callable[[], object]) -> Timed:
    """Seconds of a call."""

    def measured() -> float:
        began = time.perf_counter()
        work()
        return time.perf_counter() - began

    return measured


@contextmanager
def bare_commit(folder: Path) -> Iterator[Timed]:
    """One row, WAL, synchronous=FULL: the least that a durable database write can cost."""
    connection = sqlite3.connect(folder / "bare.db", isolation_level=None)
    connection.executescript("pragma journal_mode = wal; pragma synchronous = full; create table t (x text);")
    yield timed(lambda: connection.execute("insert into t values ('an alert of about so many characters')"))
    connection.close()


@contextmanager
def raising(folder: Path) -> Iterator[Timed]:
    """raise_alert() alone: durable against SIGKILL when it returns."""
    source = AlertSource(Journal("alerts"))
    source.journal.open(folder)
    yield timed(lambda: source.raise_alert("Gateway refuses", key=str(time.perf_counter_ns())))
    source.journal.close()


@contextmanager
def raising_often(folder: Path) -> Iterator[Timed]:
    """One of a hundred raise_alert() in a row, when nothing has to be fetched into the processor's caches."""
    with raising(folder) as one:
        yield lambda: sum(one() for _ in range(100)) / 100


@contextmanager
def answering(folder: Path) -> Iterator[Timed]:
    """raise_now(), as POST /production/alerts does: journal, state, history and outbox, then the document."""
    page = AutomatedAlerts(AlertSettings(), AlertSource(Journal("alerts")), folder, [], SystemClock())
    page.open()
    yield timed(lambda: page.raise_now("Gateway refuses", key=str(time.perf_counter_ns())))
    page.stop()


@contextmanager
def delivering(folder: Path, channel: Channel, arrived: Arrived) -> Iterator[Timed]:
    """From raise_alert() until the message arrives, on an idle page."""
    source = AlertSource(Journal("alerts"))
    page = AutomatedAlerts(UNHURRIED, source, folder, [channel], SystemClock())
    page.start(lambda: True)

    def measured() -> float:
        time.sleep(0.02)  # Because idle means that the last one is done with.
        began = time.perf_counter()
        source.raise_alert("Gateway refuses", severity=Severity.CRITICAL, key=str(time.perf_counter_ns()))
        return arrived.since(began)

    yield measured
    page.stop()


@contextmanager
def answering_and_delivering(folder: Path, channel: Channel, arrived: Arrived) -> Iterator[Timed]:
    """From raise_now() until the message arrives, on an idle page."""
    page = AutomatedAlerts(UNHURRIED, AlertSource(Journal("alerts")), folder, [channel], SystemClock())
    page.start(lambda: True)

    def measured() -> float:
        time.sleep(0.02)
        began = time.perf_counter()
        page.raise_now("Gateway refuses", severity="CRITICAL", key=str(time.perf_counter_ns()))
        return arrived.since(began)

    yield measured
    page.stop()


def contenders(folder: Path, stack: ExitStack) -> dict[str, Timed]:
    """Each in a folder of its own."""
    called, asked, posted, mailed = Arrived(), Arrived(), Arrived(), Arrived()
    accept = answer(200, "ok")
    server = HttpServer(lambda connection: (posted.now(), accept(connection))[0])
    stack.callback(server.close)
    port = stack.enter_context(smtp_server(Greeting(mailed)))
    slack = SlackChannel(STYLE, SecretStr(f"{server.url}/x"), limits=Limits())
    mails = EmailChannel("127.0.0.1", port, "none", "a@example.org", ("b@example.org",), STYLE)
    places = iter(range(99))

    def place() -> Path:
        made = folder / str(next(places))
        made.mkdir()
        return made

    return {
        "bare SQLite commit": stack.enter_context(bare_commit(place())),
        "raise_alert()": stack.enter_context(raising(place())),
        "one of 100 in a row": stack.enter_context(raising_often(place())),
        "raise_now()": stack.enter_context(answering(place())),
        "raise → channel": stack.enter_context(delivering(place(), Instant(called), called)),
        "raise_now() → channel": stack.enter_context(
            answering_and_delivering(place(), Instant(asked), asked)
        ),
        "raise → Slack's server": stack.enter_context(delivering(place(), slack, posted)),
        "raise → mail server": stack.enter_context(delivering(place(), mails, mailed)),
    }


def main() -> None:
    """Print medians, 95th percentiles, and the ratio to the bare commit."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 300
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        ways = contenders(Path(name), stack)
        for way in ways.values():
            way()
        seconds: dict[str, list[float]] = {way: [] for way in ways}
        for _ in range(rounds):
            for way, measure in ways.items():
                seconds[way].append(measure())
    floor = seconds["bare SQLite commit"]
    print(f"{'':<24}{'median':>10}{'p95':>10}{'x commit':>10}")
    for way, spent in seconds.items():
        ratio = statistics.median(one / least for one, least in zip(spent, floor, strict=True))
        p95 = statistics.quantiles(spent, n=20)[-1]
        print(f"{way:<24}{statistics.median(spent) * 1e3:>7.3f} ms{p95 * 1e3:>7.3f} ms{ratio:>10.2f}")


if __name__ == "__main__":
    main()
