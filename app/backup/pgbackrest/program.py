"""pgBackRest at work: as the account that owns the data, with a deadline, and ended when it has to be."""

from __future__ import annotations

import os
import pwd
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cached_property
from pathlib import Path
from typing import IO

from ...core.accounts import Account, owner_of
from ...core.errors import AtalaiaError, Unavailable
from ..program import TOO_LATE
from ..tools import ENVIRONMENT
from .complaints import complaint
from .config import Stanza

OLDEST = (2, 40)
_ANSWER_SECONDS = 60.0
_TERM_SECONDS = 10.0
_LOOK_SECONDS = 0.25
_STDERR_BYTES = 16_384
_NAME, _HOME = 0, 5  # of an entry of passwd
_NOT_THERE = 1  # the exit code of archive-get for what the archive does not have
_VERSION = re.compile(r"pgBackRest (\d+)\.(\d+)")
_SHARE = re.compile(r" \(\S+?, (\d+(?:\.\d+)?)%\)")

OnLine = Callable[[str], None]
GoOn = Callable[[], None]


class PgBackRest:
    """The program, for one stanza."""

    def __init__(self, program: str, stanza: Stanza) -> None:
        self.stanza = stanza
        self._program = program

    @cached_property
    def account(self) -> Account:
        """Ourselves; when we are root, the owner of the data, or of the repository where those are remote."""
        ours = Account(os.geteuid(), os.getegid())
        if os.geteuid() != 0:
            return ours
        for folder in (self.stanza.data_folder, self.stanza.repo_folder):
            if folder is not None and folder.exists():
                return owner_of(folder)
        return ours

    @property
    def user(self) -> str:
        """The name of that account; empty where it has none."""
        return _entry(self.account, _NAME)

    @property
    def path(self) -> Path:
        """Unavailable where there is no such program."""
        found = shutil.which(self._program, path=ENVIRONMENT["PATH"])
        if found is None:
            raise Unavailable(
                f"there is no program {self._program!r}",
                "Install the package pgbackrest, or name the program in BACKUP_PGBACKREST_PROGRAM.",
            )
        return Path(found)

    def version(self) -> str:
        """Like 2.45; Unavailable when it is none that is known to fit."""
        told = _VERSION.search(self._asked("version"))
        if told is None or (int(told[1]), int(told[2])) < OLDEST:
            found = told[0] if told else f"{self.path} is no pgBackRest"
            oldest = ".".join(map(str, OLDEST))
            raise Unavailable(f"{found} is too old", f"Install pgBackRest {oldest} or newer.")
        return f"{told[1]}.{told[2]}"

    def ask(self, command: str, *options: str, seconds: float = _ANSWER_SECONDS) -> str:
        """What it answers; Unavailable with its complaint, CalledOff when another one is at it."""
        return self._asked(command, *self._common, *options, seconds=seconds)

    def run(
        self, command: str, *options: str, seconds: float, go_on: GoOn, on_line: OnLine = lambda _: None
    ) -> list[str]:
        """As ask(), for what takes long: tells each line; raises what `go_on` raises, having ended it."""
        lines: list[str] = []
        words = ("--log-level-console=detail", "--no-log-timestamp")
        with self._started(command, *self._common, *words, *options) as (process, said):
            with _ended(process, seconds, go_on) as why:
                assert process.stdout is not None
                for line in process.stdout:
                    lines.append(line.rstrip("\n"))
                    on_line(lines[-1])
                code = process.wait()
            if why:
                raise why[0]
            _judge(command, code, said)
        return lines

    def fetch(self, segment: str, to: Path, data: Path, repo: int) -> bool:
        """Write a file of the archive to that path, for the server in `data`; False when it is not there."""
        options = ("--no-archive-async", f"--repo={repo}", f"--pg1-path={data}", "--reset-pg1-host")
        with self._started("archive-get", *self._common, *options, segment, str(to)) as (process, said):
            try:
                code = process.wait(_ANSWER_SECONDS)
            except subprocess.TimeoutExpired:
                raise Unavailable(
                    f"{segment} did not come from the archive in {_ANSWER_SECONDS:.0f} s"
                ) from None
            if code != _NOT_THERE:
                _judge("archive-get", code, said)
        return code == 0

    @property
    def _common(self) -> tuple[str, ...]:
        config = (f"--config={self.stanza.config}",) if self.stanza.config else ()
        return (f"--stanza={self.stanza.name}", *config, "--log-level-stderr=warn")

    def _asked(self, command: str, *options: str, seconds: float = _ANSWER_SECONDS) -> str:
        with self._started(command, *options) as (process, said):
            try:
                told, _ = process.communicate(timeout=seconds)
            except subprocess.TimeoutExpired:
                _end(process)
                raise Unavailable(
                    f"pgbackrest {command} did not answer in {seconds:.0f} s", TOO_LATE[1]
                ) from None
            _judge(command, process.returncode, said)
        return told

    @contextmanager
    def _started(self, command: str, *options: str) -> Iterator[tuple[subprocess.Popen[str], IO[bytes]]]:
        environment = {**ENVIRONMENT, "HOME": _entry(self.account, _HOME) or "/"}
        try:
            with (
                tempfile.TemporaryFile() as said,
                subprocess.Popen(
                    [self.path, command, *options],
                    env=environment,
                    cwd="/",
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=said,
                    text=True,
                    errors="replace",
                    process_group=0,
                    **self.account.switch,
                ) as process,
            ):
                try:
                    yield process, said
                finally:
                    if process.poll() is None:
                        _end(process)
        except OSError as error:
            raise Unavailable(f"{self._program} cannot be run: {error.strerror}") from error


def share_of(line: str) -> float | None:
    """How much of all bytes is done, 0.0 to 1.0, when a line of its log tells that."""
    found = _SHARE.search(line)
    return float(found[1]) / 100 if found else None


@contextmanager
def _ended(process: subprocess.Popen[str], seconds: float, go_on: GoOn) -> Iterator[list[AtalaiaError]]:
    """End the program when `go_on` raises, or when its time is over; the list gets the reason."""
    over, why = threading.Event(), list[AtalaiaError]()
    until = time.monotonic() + seconds

    def look() -> None:
        while not over.wait(_LOOK_SECONDS):
            try:
                go_on()
                if time.monotonic() > until:
                    raise Unavailable(*TOO_LATE)
            except AtalaiaError as error:
                why.append(error)
                _end(process)
                return

    looking = threading.Thread(target=look, name="atalaia-pgbackrest", daemon=True)
    looking.start()
    try:
        yield why
    finally:
        over.set()
        looking.join()


def _end(process: subprocess.Popen[str]) -> None:
    """Ask it and its own processes to end, and soon make them."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(_TERM_SECONDS)
    except subprocess.TimeoutExpired:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


def _judge(command: str, code: int, said: IO[bytes]) -> None:
    if code:
        said.seek(0)
        raise complaint(command, code, said.read(_STDERR_BYTES).decode(errors="replace"))


def _entry(account: Account, which: int) -> str:
    try:
        return str(pwd.getpwuid(account.uid)[which])
    except KeyError:
        return ""
