"""Work that comes again: run by threads which a blocked event loop does not stop.

APScheduler only wakes a job up; whether something is due is decided by the job itself, from wall
clock and last success, because a scheduler's memory is lost with its process.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler

from .guard import guard
from .leader import Leader

_THREADS = 8


@dataclass(slots=True)
class Job:
    """What is known of one job of this process: seconds of its last run, and how often it ran."""

    name: str
    every_seconds: float
    runs: int = 0
    last_seconds: float = 0.0
    last_at: float = 0.0


class Schedule:
    """The jobs of this process; those `for_leader` run in the one process that leads this host."""

    def __init__(self, leader: Leader) -> None:
        self._leader = leader
        self.jobs: dict[str, Job] = {}
        self._scheduler = BackgroundScheduler(
            timezone=UTC,
            executors={"default": ThreadPoolExecutor(_THREADS)},
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
        )
        # Because a job that is still running when its turn comes is no event worth a line.
        logging.getLogger("apscheduler").setLevel(logging.ERROR)

    def every(
        self, seconds: float, name: str, work: Callable[[], object], *, for_leader: bool = False
    ) -> None:
        """Run `work` now and then every `seconds`; never twice at once, and failures are guarded."""
        job = self.jobs[name] = Job(name, seconds)

        def run() -> None:
            if for_leader and not self._leader.is_leader:
                return
            began = time.monotonic()
            with guard(f"job.{name}"):
                work()
            job.runs += 1
            job.last_seconds, job.last_at = time.monotonic() - began, time.time()

        self._scheduler.add_job(run, "interval", seconds=seconds, name=name, next_run_time=datetime.now(UTC))

    def start(self) -> None:
        """Begin; each job runs for the first time at once."""
        self._scheduler.start()

    def stop(self) -> None:
        """End; waits for jobs that are running."""
        if self._scheduler.running:
            self._scheduler.shutdown(wait=True)
