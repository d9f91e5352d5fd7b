"""The list of workers is the kernel's truth."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from app.core.workers import Workers
from app.testing import FrozenClock

WORKER = """
import sys, time
from datetime import UTC, datetime
from pathlib import Path
from app.core.workers import Workers
workers = Workers(Path(sys.argv[1])); workers.join(datetime.now(UTC))
print("joined", flush=True)
time.sleep(60)
"""


def test_a_killed_worker_is_buried_once(tmp_path: Path, clock: FrozenClock) -> None:
    """A worker that was SIGKILLed leaves the list at once and is reported to one caller."""
    ours = Workers(tmp_path)
    ours.join(clock.now())
    other = subprocess.Popen([sys.executable, "-c", WORKER, str(tmp_path)], stdout=subprocess.PIPE)
    assert other.stdout.readline() == b"joined\n"
    assert sorted(worker.pid for worker in ours.alive()) == sorted([os.getpid(), other.pid])
    assert ours.bury() == []
    other.kill()
    other.wait()
    other.stdout.close()
    assert [worker.pid for worker in ours.alive()] == [os.getpid()]
    assert [worker.pid for worker in ours.bury()] == [other.pid]
    assert ours.bury() == []
    ours.leave()


def test_leaving_is_not_dying(tmp_path: Path, clock: FrozenClock) -> None:
    """A worker that left is neither alive nor to be buried."""
    workers = Workers(tmp_path)
    workers.join(clock.now())
    workers.leave()
    assert workers.alive() == []
    assert workers.bury() == []
