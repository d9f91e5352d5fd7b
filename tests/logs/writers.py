"""Real processes that write to one log folder and are killed; run as `python -m tests.logs.writers`.

Each writer logs `n` = 1, 2, 3, ... and tells through a pipe when the call has returned. What was told
is printed as JSON: `acknowledged` {writer: highest n that was}, and `recovery`, the most seconds that it took
the others to bring the lines of a killed one into the file.
"""

from __future__ import annotations

import json
import logging
import os
import random
import select
import signal
import struct
import sys
import time
from pathlib import Path

from app.core.clock import SystemClock
from app.logs.settings import LogSettings
from app.services.production_logger import ProductionLogger

_NUMBER = struct.Struct("<q")


class Writer:
    """A forked process that logs until it has logged `most` records or is killed."""

    def __init__(self, folder: Path, name: str, max_bytes: int, keep_files: int, most: int) -> None:
        self.name = name
        self.acknowledged = 0
        self.is_killed = False
        self.is_over = False
        self.over_at = 0.0
        self.pipe, acknowledge = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            os.close(self.pipe)
            _log_until_killed(folder, name, max_bytes, keep_files, most, acknowledge)
        os.close(acknowledge)

    def kill(self) -> None:
        os.kill(self.pid, signal.SIGKILL)
        self.is_killed = True

    def hear(self) -> None:
        """Take what the writer has acknowledged; the pipe's end is the process's end."""
        heard = os.read(self.pipe, 1 << 16)
        if heard:
            self.acknowledged = _NUMBER.unpack(heard[-_NUMBER.size :])[0]
        else:
            os.waitpid(self.pid, 0)
            os.close(self.pipe)
            self.is_over = True
            self.over_at = time.monotonic()


def _log_until_killed(
    folder: Path, name: str, max_bytes: int, keep_files: int, most: int, acknowledge: int
) -> None:
    page = ProductionLogger(
        LogSettings(max_bytes=max_bytes, keep_files=keep_files), folder, SystemClock(), lambda _: None
    )
    page.start()
    logger = logging.getLogger("writer")
    for number in range(1, most + 1):
        logger.info("line", extra={"writer": name, "n": number, "padding": "x" * (number % 700)})
        os.write(acknowledge, _NUMBER.pack(number))
        if number % 20 == 0:
            time.sleep(0.005)  # Because a ring that is full for long drops lines, and says so.
    page.stop()
    os._exit(0)


def stand_by(folder: Path) -> int:
    """Begin a process that has the log open and lives until its input ends; the pipe to close for that."""
    pipe, end = os.pipe()
    if os.fork() == 0:
        os.close(end)
        page = ProductionLogger(LogSettings(), folder, SystemClock(), lambda _: None)
        page.start()
        os.read(pipe, 1)
        page.stop()
        os._exit(0)
    os.close(pipe)
    return end


class Recoveries:
    """How long the lines of killed writers wait in their rings."""

    def __init__(self, folder: Path) -> None:
        self.slowest = 0.0
        self._spool = folder / ".spool"
        self._looked_at = 0.0

    def look(self, every: list[Writer]) -> None:
        """Take the time of those whose rings are still there; now and then."""
        if time.monotonic() - self._looked_at < 0.05:
            return
        self._looked_at = time.monotonic()
        left = {path.name.split(".")[1].split("-")[0] for path in self._spool.glob("*.ring")}
        for writer in every:
            if writer.is_killed and writer.is_over and str(writer.pid) in left:
                self.slowest = max(self.slowest, self._looked_at - writer.over_at)


def main(
    folder: Path,
    seed: int,
    writers: int,
    kills: int,
    max_bytes: int,
    keep_files: int,
    most: int,
    longest_pause_ms: int = 120,
) -> None:
    """Keep so many writers going until so many were killed, or, without kills, until they have ended."""
    chance = random.Random(seed)
    recoveries = Recoveries(folder)
    bystander = stand_by(folder)
    every = [Writer(folder, f"w{number}", max_bytes, keep_files, most) for number in range(writers)]
    kill_at = time.monotonic() + 0.2
    while running := [writer for writer in every if not writer.is_over]:
        ready, _, _ = select.select([writer.pipe for writer in running], [], [], 0.005)
        for writer in running:
            if writer.pipe in ready:
                writer.hear()
        alive = [writer for writer in running if not writer.is_killed]
        if kills and alive and time.monotonic() >= kill_at:
            chance.choice(alive).kill()
            kills -= 1
            kill_at = time.monotonic() + chance.uniform(0.01, longest_pause_ms / 1_000)
            if kills >= writers:
                every.append(Writer(folder, f"w{len(every)}", max_bytes, keep_files, most))
        recoveries.look(every)
    os.close(bystander)
    os.wait()
    acknowledged = {writer.name: writer.acknowledged for writer in every}
    json.dump({"acknowledged": acknowledged, "recovery": recoveries.slowest}, sys.stdout)


if __name__ == "__main__":
    main(Path(sys.argv[1]), *map(int, sys.argv[2:]))
