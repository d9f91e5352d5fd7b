"""Real processes that write to one log folder and are killed; run as `python -m tests.logs.writers`.

Each writer logs `n` = 1, 2, 3, ... and tells through a pipe when the call has returned. What was told
is printed as JSON: {writer: highest n that was acknowledged}.
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
    page.stop()
    os._exit(0)


def main(
    folder: Path, seed: int, writers: int, kills: int, max_bytes: int, keep_files: int, most: int
) -> None:
    """Keep so many writers going until so many were killed, or, without kills, until they have ended."""
    chance = random.Random(seed)
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
            kill_at = time.monotonic() + chance.uniform(0.01, 0.12)
            if kills >= writers:
                every.append(Writer(folder, f"w{len(every)}", max_bytes, keep_files, most))
    json.dump({writer.name: writer.acknowledged for writer in every}, sys.stdout)


if __name__ == "__main__":
    main(Path(sys.argv[1]), *map(int, sys.argv[2:]))
