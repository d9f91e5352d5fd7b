"""What an application costs that nobody calls: python -m tests.benchmarks.bench_idle [--full]

A bare FastAPI application, one with Atalaia in it, and one that has a PostgreSQL to watch and two alert
channels besides, each under uvicorn in a process of its own, are left alone at the same time. CPU is
the kernel's count of the whole process, as percent of one core; medians of several windows after the
start has settled. Read the difference to the bare one: a wake-up alone costs from 5 to 80 microseconds,
by machine.
"""

from __future__ import annotations

import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from app.core.postgres import EmbeddedPostgres
from app.testing import wait_until

_ROOT = Path(__file__).parents[2]
_ROUTE = '\n@app.get("/")\ndef home() -> dict[str, str]:\n    return {}\n'
_BARE = "from fastapi import FastAPI\napp = FastAPI()\n" + _ROUTE
_OURS = (
    "from fastapi import FastAPI\nfrom app import Atalaia\napp = FastAPI()\nAtalaia().install(app)\n" + _ROUTE
)
_SETTLED_SECONDS = 8


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def answers(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


@contextmanager
def served(folder: Path, code: str, environment: Mapping[str, str]) -> Iterator[int]:
    """The id of a process that serves this code in this folder."""
    folder.mkdir()
    (folder / "host.py").write_text(code)
    port = free_port()
    inherited = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    command = [sys.executable, "-m", "uvicorn", "host:app", "--port", str(port), "--no-access-log"]
    with (folder / "output").open("w") as output:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env={**inherited, "PYTHONPATH": f"{_ROOT}:{folder}", **environment},
            stdout=output,
            stderr=output,
        )
    try:
        wait_until(lambda: answers(port), what=f"the server in {folder.name}", deadline=60)
        yield process.pid
    finally:
        process.terminate()
        process.wait()


def cpu_seconds(pid: int) -> float:
    """Of all threads, also those that have ended."""
    return time.clock_gettime((~pid << 3) | 2)  # Because this is how Linux numbers the clock of a process.


def memory(pid: int) -> tuple[float, float, int]:
    """Resident and proportional megabytes, and threads."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    sizes = {line.split()[0]: int(line.split()[1]) / 1024 for line in lines[1:]}
    return sizes["Rss:"], sizes["Pss:"], len(list(Path(f"/proc/{pid}/task").iterdir()))


def wakes(pid: int) -> int:
    """How often its threads went to sleep of their own will, and so were woken."""
    found = 0
    for status in Path(f"/proc/{pid}/task").glob("*/status"):
        with suppress(OSError):
            found += int(status.read_text().partition("\nvoluntary_ctxt_switches:")[2].split()[0])
    return found


def percents(pids: Mapping[str, int], seconds: float) -> dict[str, tuple[float, float]]:
    """How much of a core each one used in a window, and how often a second it woke."""
    before = {name: (time.monotonic(), cpu_seconds(pid), wakes(pid)) for name, pid in pids.items()}
    time.sleep(seconds)
    found = {}
    for name, pid in pids.items():
        began, used, woken = before[name]
        elapsed = time.monotonic() - began
        found[name] = (100 * (cpu_seconds(pid) - used) / elapsed, (wakes(pid) - woken) / elapsed)
    return found


def contenders(database_url: str) -> dict[str, tuple[str, dict[str, str]]]:
    """Name → code and environment; the first one is the floor."""
    # Because what others do to the machine would be alerts, and nobody listens where they are sent.
    calm = {
        "PERFORMANCE_CPU_WARNING_PERCENT": "99",
        "PERFORMANCE_CPU_CRITICAL_PERCENT": "100",
        "PERFORMANCE_CONFIRM_SAMPLES": "60",
    }
    watched = {
        **calm,
        "DATABASE_URL": database_url,
        "SMTP_HOST": "127.0.0.1",
        "ALERT_EMAIL_FROM": "tower@example.org",
        "ALERT_EMAIL_TO": "me@example.org",
        "ALERT_WEBHOOK_URL": f"http://127.0.0.1:{free_port()}/",
    }
    return {"bare": (_BARE, {}), "Atalaia": (_OURS, calm), "with database, channels": (_OURS, watched)}


def show(pids: Mapping[str, int], windows: list[dict[str, tuple[float, float]]]) -> None:
    """Print the table."""
    columns = ("% of a core", "above bare", "wakes/s", "RSS MB", "PSS MB", "threads")
    print(f"{'':24}" + "".join(f"{column:>12}" for column in columns))
    for name, pid in pids.items():
        percent = statistics.median(window[name][0] for window in windows)
        above = statistics.median(window[name][0] - window["bare"][0] for window in windows)
        woken = statistics.median(window[name][1] for window in windows)
        resident, shared, threads = memory(pid)
        sizes = f"{resident:12.0f}{shared:12.0f}{threads:12}"
        print(f"{name:24}{percent:12.2f}{above:12.2f}{woken:12.0f}{sizes}")


def main(windows: int, seconds: float) -> None:
    """Leave all of them alone at the same time."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        folder.chmod(0o711)  # Because as root the database server runs as somebody else.
        database = EmbeddedPostgres(folder / "postgresql")
        url = database.start()
        stack.callback(database.stop)
        pids = {
            name: stack.enter_context(served(folder / str(number), code, environment))
            for number, (name, (code, environment)) in enumerate(contenders(url).items())
        }
        time.sleep(_SETTLED_SECONDS)
        show(pids, [percents(pids, seconds) for _ in range(windows)])


if __name__ == "__main__":
    main(*((10, 60.0) if "--full" in sys.argv else (3, 10.0)))
