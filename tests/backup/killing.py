"""Backups whose process is killed at a random instant, and what the next process finds."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from pathlib import Path

from app.services.backup_system import BackupSystem
from app.testing import wait_until

CHECKOUT = Path(__file__).parents[2]
MAKE_ONE = """
import sys
from pathlib import Path
from app.backup.settings import BackupSettings
from app.core.clock import SystemClock
from app.services.backup_system import BackupSystem
page = BackupSystem(BackupSettings(), Path(sys.argv[1]), sys.argv[2], SystemClock(), lambda signal: None)
page.wait(page.request(reason="manual")["id"], 120)
"""


class Killing:
    """Kills makers of backups of one folder; `page` is that of who comes next."""

    def __init__(self, page: BackupSystem, folder: Path, url: str, seed: int) -> None:
        self.page = page
        self.folder = folder
        self.luck = random.Random(seed)
        self._command = [sys.executable, "-c", MAKE_ONE, str(folder), url]
        began = time.monotonic()
        self.good = page.wait(page.request(reason="manual")["id"], 120)["id"]
        self._seconds = time.monotonic() - began
        self.phases: dict[str, int] = {}

    def round(self) -> None:
        """Begin one, kill it somewhere between its begin and shortly after its end, and look."""
        with subprocess.Popen(self._command, cwd=CHECKOUT) as maker:
            wait_until(
                lambda: self.page.status()["running"] or maker.poll() is not None, what="a run", deadline=60
            )
            time.sleep(self.luck.random() * self._seconds * 1.1)  # Because the instant is to be a random one.
            running = self.page.status()["running"]
            maker.kill()
        phase = running["phase"] if running else "ended"
        self.phases[phase] = self.phases.get(phase, 0) + 1
        self._look()

    def _look(self) -> None:
        listed = self.page.status()["backups"]
        assert self.page.status()["running"] is None
        assert self.good in [backup["id"] for backup in listed]
        assert self.page.inspection.verify()["ok"]
        # Because the next run writes over it, the sign of a run may stay half written.
        assert {path.name for path in self.folder.glob("*.part")} <= {".running.part"}
        assert len(list(self.folder.glob("*.dump.gz"))) == len(listed)
        ended = [*listed, *self.page.status()["failed"]]
        assert len({run["sequence"] for run in ended}) == len({run["id"] for run in ended}) == len(ended)
        self.good = next(backup["id"] for backup in listed)
