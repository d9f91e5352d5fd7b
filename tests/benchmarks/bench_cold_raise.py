"""What raise_alert() costs a loop that was idle: `python -m tests.benchmarks.bench_cold_raise [rounds]`.

After 50 ms of nothing the processor's caches hold other people's data, and every new piece of code or
memory that a call touches has to be fetched. So the floor is measured in the same state and in the same
rounds: json.dumps() with one write, and what raise_alert() cannot do without (a SHA-256, a line of JSON, one
look for secrets, one write, waking the thread that reads), each as one bare call.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from app.alerts.channels.recording import RecordingChannel
from app.alerts.settings import AlertSettings
from app.core.bell import Bell
from app.core.clock import SystemClock
from app.core.journal import Journal
from app.core.signal import Severity
from app.logs.redact import STANDARD, redact_text
from app.services.automated_alerts import AlertSource, AutomatedAlerts

_IDLE_SECONDS = 0.05
_SAID = {"title": "Gateway refuses", "message": "502 from the gateway", "labels": {"gateway": "pix"}}
Way = Callable[[str], object]


def dumping(descriptor: int) -> Way:
    """What everybody's own line in a file costs."""
    return lambda key: os.write(descriptor, json.dumps({**_SAID, "key": key, "at": time.time()}).encode())


def least(descriptor: int) -> Way:
    """The parts of raise_alert() without anything between them; whom it wakes goes on to sleep at once."""
    bell, encode = Bell(), msgspec.json.Encoder().encode

    def call(key: str) -> None:
        name = hashlib.sha256(key.encode()).hexdigest()
        line = encode({**_SAID, "key": key, "fingerprint": name, "at": datetime.now(UTC)})
        STANDARD.shapes.is_suspect_json(key)
        os.write(descriptor, line)
        bell.ring()

    return call


def ways(folder: Path, source: AlertSource) -> dict[str, Way]:
    """Each writes a line of about the same length into a file of its own."""
    first, second = (os.open(folder / name, os.O_CREAT | os.O_WRONLY | os.O_APPEND) for name in "ab")
    return {
        "json.dumps() and a write": dumping(first),
        "its parts alone": least(second),
        "raise_alert()": lambda key: source.raise_alert(
            "Gateway refuses",
            severity=Severity.HIGH,
            key=key,
            message="502 from the gateway",
            labels={"gateway": "pix"},
        ),
    }


def milliseconds(way: Way, key: str) -> float:
    began = time.perf_counter()
    way(key)
    return (time.perf_counter() - began) * 1e3


async def measured(contenders: dict[str, Way], rounds: int) -> dict[str, list[float]]:
    """Milliseconds of the first call after nothing has happened for a while."""
    spent: dict[str, list[float]] = {name: [] for name in contenders}
    for number in range(rounds):
        for name, way in contenders.items():
            await asyncio.sleep(_IDLE_SECONDS)
            spent[name].append(milliseconds(way, f"gateway-{number}"))
    return spent


def show(cold: dict[str, list[float]], hot: dict[str, float]) -> None:
    """Medians, 95th percentiles, and the ratio to json.dumps() and a write."""
    floor = next(iter(cold.values()))
    print(f"{'':<26}{'cold':>10}{'p95':>10}{'x floor':>9}{'in a row':>11}")
    for name, spent in cold.items():
        ratio = statistics.median(one / least for one, least in zip(spent, floor, strict=True))
        p95 = statistics.quantiles(spent, n=20)[-1]
        print(f"{name:<26}{statistics.median(spent):>7.3f} ms{p95:>7.3f} ms{ratio:>9.2f}{hot[name]:>8.3f} ms")


def main() -> None:
    """On a page that reads and redacts, as the application's own does."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    with tempfile.TemporaryDirectory() as name:
        source, folder = AlertSource(Journal("alerts")), Path(name)
        channels = [RecordingChannel("a"), RecordingChannel("b")]
        page = AutomatedAlerts(
            AlertSettings(), source, folder / "alerts", channels, SystemClock(), redact=redact_text
        )
        page.start(lambda: True)
        contenders = ways(folder, source)
        asyncio.run(measured(contenders, 5))
        cold = asyncio.run(measured(contenders, rounds))
        page.stop()
        source.journal.open(folder / "alone")
        hot = {
            n: statistics.median(milliseconds(w, str(k)) for k in range(2_000)) for n, w in contenders.items()
        }
        source.journal.close()
    show(cold, hot)


if __name__ == "__main__":
    main()
