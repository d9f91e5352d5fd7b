"""Backups whose process is killed at a random instant, and what the next process finds."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil

from app.backup.settings import BackupSettings
from app.core.clock import SystemClock
from app.services.backup_system import BackupSystem
from app.testing import wait_until

CHECKOUT = Path(__file__).parents[2]
BEGIN = """
import json, sys
from pathlib import Path
from app.backup.settings import BackupSettings
from app.core.clock import SystemClock
from app.services.backup_system import BackupSystem
folder, url, place, early = sys.argv[1:]
settings = BackupSettings(
    drill_dir=Path(place), drill_while_dumping=early == "True", keep_at_least=1, keep_at_most=3
)
page = BackupSystem(settings, Path(folder), url, SystemClock(), lambda signal: None)
"""
MAKE_ONE = BEGIN + 'page.wait(page.request(reason="manual")["id"], 120)'
LOOK = BEGIN + 'print(json.dumps([page.status(), page.inspection.verify()["ok"]]))'


class Killing:
    """Kills makers of backups of one folder, and looks at what is left as the process that starts next."""

    def __init__(self, folder: Path, url: str, place: Path, seed: int, *, early: bool = False) -> None:
        """`place` is that of scratch servers; `early`: drills follow the dump."""
        self.folder = folder
        self.url = url
        self.place = place
        self.luck = random.Random(seed)
        self._arguments = [str(folder), url, str(place), str(early)]
        self._temporary = place / "tmp"
        self._temporary.mkdir()
        self._watcher = BackupSystem(BackupSettings(), folder, url, SystemClock(), lambda _: None)
        for _ in range(2):  # Because the first one in a place takes longer than others.
            began = time.monotonic()
            with self._process(MAKE_ONE) as maker:
                maker.wait(300)
        self._seconds = time.monotonic() - began
        self.good = ""
        self._look()
        self.phases: dict[str, int] = {}
        self.servers = 0

    @property
    def told(self) -> str:
        """In which phases it was killed, and how often a scratch server ran then."""
        return f"{self.phases}, a scratch server ran at {self.servers}"

    def round(self) -> None:
        """Begin one, kill it somewhere between its begin and shortly after its end, and look."""
        with self._process(MAKE_ONE) as maker:
            wait_until(lambda: self._running() or maker.poll() is not None, what="a run", deadline=300)
            self._wait_for_an_instant(maker)
            running = self._running()
            programs = psutil.Process(maker.pid).children(recursive=True) if maker.poll() is None else []
            maker.kill()
        phase = running["phase"] if running else "ended"
        self.phases[phase] = self.phases.get(phase, 0) + 1
        self.servers += any(name_of(program) == "postgres" for program in programs)
        wait_until(lambda: not any(map(is_at_work, programs)), what="the end of its programs", deadline=300)
        self._look()

    def _wait_for_an_instant(self, maker: subprocess.Popen[str]) -> None:
        """A random one of its life, as far as can be told from those before: they tell how long that is."""
        began = time.monotonic()
        with suppress(subprocess.TimeoutExpired):
            maker.wait(self.luck.random() * self._seconds)
            self._seconds = time.monotonic() - began
            return
        self._seconds *= 1.05

    def _look(self) -> None:
        """What the process that starts next has to tell, and what is there when it has."""
        with self._process(LOOK) as looking:
            status, is_whole = json.loads(looking.communicate(timeout=300)[0])
        listed, ended = status["backups"], [*status["backups"], *status["failed"]]
        assert status["running"] is None
        assert self.good in ["", *(backup["id"] for backup in listed)]
        assert is_whole
        # Because the next run writes over it, the sign of a run may stay half written.
        assert {path.name for path in self.folder.glob("*.part")} <= {".running.part"}
        assert len(list(self.folder.glob("*.dump.gz"))) == len(listed)
        assert len({run["sequence"] for run in ended}) == len({run["id"] for run in ended}) == len(ended)
        left = [*self.place.glob("drill-*"), *self._temporary.iterdir(), *scratch_servers(self.place)]
        assert left == []
        self.good = next(backup["id"] for backup in listed)

    def _running(self) -> dict[str, Any] | None:
        return self._watcher.status()["running"]

    def _process(self, script: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", script, *self._arguments]
        environment = {**os.environ, "TMPDIR": str(self._temporary)}
        return subprocess.Popen(command, cwd=CHECKOUT, env=environment, stdout=subprocess.PIPE, text=True)


def scratch_servers(place: Path) -> list[psutil.Process]:
    """Processes that work in a scratch server's folder."""
    return [one for one in psutil.process_iter() if any(f"{place}/drill-" in word for word in words_of(one))]


def words_of(process: psutil.Process) -> list[str]:
    """Its command line; empty when it has ended."""
    with suppress(psutil.Error):
        return process.cmdline()
    return []


def name_of(process: psutil.Process) -> str:
    """The name of its program; empty when it has ended."""
    with suppress(psutil.Error):
        return process.name()
    return ""


def is_at_work(process: psutil.Process) -> bool:
    """Whether it still runs; one that nobody has buried does not."""
    with suppress(psutil.Error):
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    return False
