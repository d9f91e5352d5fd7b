"""Folders in which servers of tests live; what a killed test process has left goes with the next one."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil


@contextmanager
def place_for(name: str, within: str | None = None) -> Iterator[Path]:
    """A folder of this process, in which also an unprivileged account gets along; gone afterwards.

    It is `within` that one, or else among what is temporary.
    """
    within = within or tempfile.gettempdir()
    _forget_the_dead(within, name)
    folder = Path(tempfile.mkdtemp(prefix=f"atalaia-{name}-{os.getpid()}-", dir=within))
    folder.chmod(0o711)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _forget_the_dead(within: str, name: str) -> None:
    for left in Path(within).glob(f"atalaia-{name}-*-*"):
        pid = left.name.split("-")[-2]
        if pid.isdecimal() and not psutil.pid_exists(int(pid)):
            _end_what_works_in(left)
            shutil.rmtree(left, ignore_errors=True)


def _end_what_works_in(folder: Path) -> None:
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if Path(process.cwd()).is_relative_to(folder):
                process.kill()
