"""A client program at work: with a deadline, and with its password in a private file and nowhere else."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO

from ..core.errors import AtalaiaError, Unavailable
from ..core.files import open_private
from .complaints import complaint
from .tools import ENVIRONMENT

TOO_LATE = (
    "it was not done when its time was over",
    "See what the server does meanwhile (pg_stat_activity), or raise BACKUP_TIMEOUT_SECONDS.",
)
_TERM_SECONDS = 2.0
_STDERR_CHARS = 8_192
_FOLDER = "atalaia-pgpass-"


class Program:
    """It writes to our `stdout` and may read from our `stdin`; close() leaves nothing of it behind."""

    def __init__(
        self,
        command: Sequence[str | Path],
        *,
        password: str,
        seconds: float,
        stdin: int = subprocess.DEVNULL,
        large_pieces: bool = False,
    ) -> None:
        """Starts it in a process group of its own; it is ended after `seconds`.

        `large_pieces`: it is made to read and write in large pieces, where that can be done to it.
        """
        self._name = Path(command[0]).name
        self._password = password
        self._why: AtalaiaError | None = None
        self._folder = tempfile.TemporaryDirectory(prefix=f"{_FOLDER}{os.getpid()}-")
        self._stderr = Path(self._folder.name) / "stderr"
        try:
            self._process = self._popen([*_in_large_pieces(), *command] if large_pieces else command, stdin)
        except BaseException:
            self._folder.cleanup()
            raise
        self._timer = threading.Timer(max(seconds, 0.0), self.end, [Unavailable(*TOO_LATE)])
        self._timer.daemon = True
        self._timer.start()

    @property
    def stdout(self) -> IO[bytes]:
        assert self._process.stdout is not None
        return self._process.stdout

    @property
    def stdin(self) -> IO[bytes]:
        assert self._process.stdin is not None
        return self._process.stdin

    @property
    def words(self) -> str:
        """The end of what it wrote to stderr so far."""
        return self._stderr.read_text(errors="replace")[-_STDERR_CHARS:]

    def finish(self) -> None:
        """Wait for its end; raises what end() was given, or its complaint when it has failed."""
        code = self._process.wait()
        if self._why is not None:
            raise self._why
        if code:
            raise complaint(self._name, self.words, code, secrets=[self._password])

    def end(self, why: AtalaiaError) -> None:
        """Ask it to end, and soon make it."""
        self._why = self._why or why
        self._process.terminate()
        try:
            self._process.wait(_TERM_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()

    def kill(self) -> None:
        """End it at once; whoever reads from it comes to the end."""
        self._process.kill()

    def close(self) -> None:
        """End it if it still runs, and remove its password."""
        self._timer.cancel()
        if self._process.poll() is None:
            self._process.kill()
        with self._folder, suppress(BrokenPipeError), self._process:
            return

    def _popen(self, command: Sequence[str | Path], stdin: int) -> subprocess.Popen[bytes]:
        environment = dict(ENVIRONMENT)
        if self._password:
            environment["PGPASSFILE"] = str(self._pass_file())
        stderr = open_private(self._stderr, os.O_WRONLY | os.O_CREAT)
        try:
            return subprocess.Popen(
                command, env=environment, stdin=stdin, stdout=subprocess.PIPE, stderr=stderr, process_group=0
            )
        finally:
            os.close(stderr)

    def _pass_file(self) -> Path:
        escaped = self._password.replace("\\", "\\\\").replace(":", "\\:")
        path = Path(self._folder.name) / "pgpass"
        with os.fdopen(open_private(path, os.O_WRONLY | os.O_CREAT), "w", encoding="utf-8") as file:
            file.write(f"*:*:*:*:{escaped}\n")
        return path


def _in_large_pieces() -> list[str]:
    # Because 4 KiB at once through a pipe are a tenth of the CPU of a dump, and a third of pg_restore's.
    stdbuf = shutil.which("stdbuf", path=ENVIRONMENT["PATH"])
    return [stdbuf, "-i1M", "-o256K"] if stdbuf else []


def sweep_pass_files() -> None:
    """Remove what processes that were killed have left."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_FOLDER}*"):
        pid = folder.name.removeprefix(_FOLDER).partition("-")[0]
        if pid.isdecimal() and not _is_alive(int(pid)):
            shutil.rmtree(folder, ignore_errors=True)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
