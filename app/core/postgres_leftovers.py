"""What scratch servers leave whose process was killed: known by that nobody holds it, ended, removed."""

from __future__ import annotations

import os
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from .accounts import Account
from .errors import Unavailable
from .postgres_home import PostgresHome

_END_SECONDS = 5.0
_STEP_SECONDS = 0.005
_GATE_SECONDS = 5.0
_UNUSED_SECONDS = 30 * 86_400.0


@contextmanager
def held(home: PostgresHome) -> Iterator[None]:
    """Make its folder and take its lock in one step, because sweep() removes what is there and not held."""
    gate = PostgresHome(home.folder.parent, home.account)
    with ExitStack() as held:
        with gate.turn(time.monotonic() + _GATE_SECONDS):
            home.prepare()
            held.enter_context(home.turn(time.monotonic()))
        yield


def sweep_place(place: Path, account: Account) -> None:
    """End and remove what nobody holds, and templates that nobody has used for a month."""
    for left in place.glob("drill-*"):
        home = PostgresHome(left, account)
        with suppress(Unavailable, OSError), held(home):
            _kill(home)
            remove(home)
    for template in place.glob("template-*"):
        # Because each release of a server has one, and each installation that shares the place.
        with suppress(OSError):
            if time.time() - template.stat().st_mtime > _UNUSED_SECONDS:
                shutil.rmtree(template)


def postmaster(data: Path) -> int:
    """The process of the server of these data; 0 when there is none."""
    try:
        return int((data / "postmaster.pid").read_text().split()[0])
    except (OSError, ValueError, IndexError):
        return 0


def remove(home: PostgresHome) -> None:
    """Everything of it that is on the disk."""
    for folder in (home.socket, home.folder):
        shutil.rmtree(folder, ignore_errors=True)


def _every_pid() -> list[int]:
    return [int(path.name) for path in Path("/proc").glob("[0-9]*")]


def _works_in(pid: int, folder: Path) -> bool:
    """Whether its working folder is that one, or is inside."""
    try:
        return Path(f"/proc/{pid}/cwd").readlink().is_relative_to(folder.resolve())
    except OSError:
        return False


def _kill(home: PostgresHome) -> None:
    """The server by the signal at which it tidies up, then whatever else works there, as cp or initdb."""
    _send(signal.SIGQUIT, lambda: [pid for pid in [postmaster(home.data)] if _works_in(pid, home.data)])
    _send(signal.SIGKILL, lambda: [pid for pid in _every_pid() if _works_in(pid, home.folder)])


def _send(sign: signal.Signals, to: Callable[[], list[int]]) -> None:
    until = time.monotonic() + _END_SECONDS
    while (left := to()) and time.monotonic() < until:
        for pid in left:
            with suppress(ProcessLookupError):
                os.kill(pid, sign)
        time.sleep(_STEP_SECONDS)
