"""A PostgreSQL to be thrown away: there in a moment, out of reach for everybody else, and gone with us."""

from __future__ import annotations

import hashlib
import math
import os
import secrets
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path

from .accounts import Account, unprivileged
from .errors import Unavailable
from .files import private_folder
from .postgres_home import PORT, PostgresHome
from .postgres_leftovers import held, postmaster, remove, sweep_place

SUPERUSER = "atalaia"
_SHARED = Path("/var/lib/atalaia/drill")  # because not every account gets into a folder of root's
_ENVIRONMENT = {"LC_ALL": "C", "PATH": "/usr/local/bin:/usr/bin:/bin"}
_READY_SECONDS = 60.0
_END_SECONDS = 5.0
_STEP_SECONDS = 0.005
_PER_PROCESS_KB = 4 << 20
_NICE = 10
_CLUSTER = (
    f"--username={SUPERUSER}",
    "--auth=trust",  # because only the owner of the socket's folder gets as far as the server
    "--encoding=UTF8",
    "--no-locale",
    "--no-sync",
)
_SETTINGS = {
    "listen_addresses": "",
    "port": PORT,
    "unix_socket_permissions": "0700",
    # Because nothing in it has to outlive a crash.
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_wal_size": "2GB",
    "autovacuum": "off",
    "jit": "off",
    "max_connections": "16",
    "shared_buffers": "128MB",
    "maintenance_work_mem": "128MB",
    "dynamic_shared_memory_type": "mmap",  # because a container's /dev/shm has 64 MB
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_checkpoints": "off",
    # Because statements and rows hold personal data, which must not reach a log.
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
}
_ASKED_SINCE = 18
_NEWER_CLUSTER = ("--no-data-checksums",)  # because with them each hint on a page is logged as a whole page
_NEWER_SETTINGS = {"io_method": "sync"}  # because what is read was written a moment ago, and is in memory
# The server ends when our end of the pipe is closed, by us or by the kernel after a SIGKILL; the keeper
# ends when the server does. It gives way to everything else that wants the processors.
_KEEPER = f"""
ulimit -c 0; ulimit -v {_PER_PROCESS_KB} || :
exec 3<&0
nice -n {_NICE} "$@" 3<&- & server=$!
{{ read -r _ <&3; kill -QUIT $server; }} & reader=$!
exec 3<&-
wait $server; code=$?
kill $reader
exit $code
"""


@contextmanager
def scratch_postgres(
    server: Path, place: Path, settings: Mapping[str, str], *, major: int = 0
) -> Iterator[PostgresHome]:
    """Run the server of that folder (with bin, share) until the block ends; everything of it is in `place`.

    `major` is its version where that is known: newer ones can be made to do less.
    Its only socket is in a folder of mode 0700, it runs as an unprivileged account, without a network
    where the kernel lets us have that, and is ended and removed whatever happens. OSError, Unavailable.
    """
    account = unprivileged()
    home = PostgresHome(place / f"drill-{secrets.token_hex(4)}", account)
    try:
        with held(home):
            template = _template(server, place, home, is_newer=major >= _ASKED_SINCE)
            for folder in (home.data, home.socket):
                account.claim(folder)
            _run(account, "cp", "-R", f"{template}/.", str(home.data), cwd=home.folder)
            newer = _NEWER_SETTINGS if major >= _ASKED_SINCE else {}
            with _running(server, home, {**newer, **settings}):
                yield home
    finally:
        remove(home)


@contextmanager
def recovered_postgres(
    server: Path,
    place: Path,
    account: Account,
    fill: Callable[[PostgresHome], Mapping[str, str]],
    go_on: Callable[[], None],
) -> Iterator[PostgresHome]:
    """As scratch_postgres(), as that account and on data that `fill` puts there; it tells the settings.

    The server recovers them first, for as long as that takes: `go_on` raises when it has to end.
    """
    home = PostgresHome(place / f"drill-{secrets.token_hex(4)}", account)
    try:
        with held(home):
            for folder in (home.data, home.socket):
                account.claim(folder)
            settings = fill(home)
            with _running(server, home, settings, seconds=math.inf, go_on=go_on):
                yield home
    finally:
        remove(home)


def find_place(folder: Path) -> Path:
    """Where scratch servers live: in `folder` when the account that runs them gets there; it is made."""
    account = unprivileged()
    place = _place(folder, account)
    if account.is_ours:
        return private_folder(place)
    for step in reversed((place, *place.parents)):
        if not step.exists():
            step.mkdir(exist_ok=True)
            step.chmod(0o711)
    return place


def sweep(folder: Path) -> None:
    """End and remove what processes have left in find_place(folder) that were killed in the middle.

    What somebody holds, this application or another that shares the place, is left alone.
    """
    account = unprivileged()
    sweep_place(_place(folder, account), account)


def give_way(data: Path, *, to_all: bool) -> None:
    """Let everybody else have the processors first, or no more; to be said again while sessions come and go.

    A kernel that schedules by session (autogroup) does not look at how nice the processes in it are, and
    each process of PostgreSQL's is a session of its own.
    """
    wanted = _NICE if to_all else 0
    with suppress(OSError):
        server = postmaster(data)
        for pid in Path(f"/proc/{server}/task/{server}/children").read_text().split():
            group = Path(f"/proc/{pid}/autogroup")
            if not group.read_text().endswith(f"nice {wanted}\n"):
                group.write_text(str(wanted))


def _place(folder: Path, account: Account) -> Path:
    return folder if account.reaches(folder.resolve()) else _SHARED


@contextmanager
def _running(
    server: Path,
    home: PostgresHome,
    settings: Mapping[str, str],
    *,
    seconds: float = _READY_SECONDS,
    go_on: Callable[[], None] = lambda: None,
) -> Iterator[None]:
    asked = {**_SETTINGS, "unix_socket_directories": str(home.socket), **settings}
    options = [word for name, value in asked.items() for word in ("-c", f"{name}={value}")]
    postgres = (str(server / "bin" / "postgres"), "-D", str(home.data), *options)
    keeper = (*_without_network(home.account), "/bin/sh", "-c", _KEEPER, "sh", *postgres)
    with (
        home.open_log() as log,
        subprocess.Popen(
            keeper,
            env=_ENVIRONMENT,
            cwd=home.folder,
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            process_group=0,
            **home.account.switch,
        ) as process,
    ):
        try:
            _wait_until_ready(process, home, seconds, go_on)
            yield
        finally:
            _end(process)


def _wait_until_ready(
    process: subprocess.Popen[bytes], home: PostgresHome, seconds: float, go_on: Callable[[], None]
) -> None:
    until = time.monotonic() + seconds
    sign = home.data / "postmaster.pid"
    while True:
        with suppress(FileNotFoundError):
            if "ready" in sign.read_text():
                return
        if process.poll() is not None or time.monotonic() > until:
            raise Unavailable("the scratch server did not start", f"It said: {home.last_words()}")
        go_on()
        time.sleep(_STEP_SECONDS)


def _end(process: subprocess.Popen[bytes]) -> None:
    assert process.stdin is not None
    process.stdin.close()
    try:
        process.wait(_END_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)


def _template(server: Path, place: Path, home: PostgresHome, *, is_newer: bool) -> Path:
    """A cluster of that server as initdb makes it: made once, copied for each drill."""
    options = (*_CLUSTER, *(_NEWER_CLUSTER if is_newer else ()))
    made_by = hashlib.sha256(f"{server}{(server / 'bin/initdb').stat().st_mtime_ns}{options}".encode())
    template = place / f"template-{made_by.hexdigest()[:16]}"
    if not template.exists():
        part = home.folder / "template"
        home.account.claim(part)
        initdb = server / "bin" / "initdb"
        _run(home.account, initdb, *options, f"--pgdata={part}", cwd=home.folder)
        # Because another process may have made the same meanwhile, and either will do.
        with suppress(OSError):
            part.rename(template)
    os.utime(template)  # Because sweep() removes what nobody has used for long.
    return template


def _run(account: Account, *command: str | Path, cwd: Path = Path("/")) -> None:
    done = subprocess.run(
        command,
        env=_ENVIRONMENT,
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
        timeout=_READY_SECONDS,
        **account.switch,
    )
    if done.returncode:
        words = done.stderr.decode(errors="replace").strip()
        raise Unavailable(f"{Path(command[0]).name} failed for a scratch server: {words[-300:]}")


@cache
def _without_network(account: Account) -> tuple[str, ...]:
    """The command that gives a program a network of its own with nobody in it; empty where that is denied."""
    unshare = shutil.which("unshare", path=_ENVIRONMENT["PATH"])
    if unshare is None:
        return ()
    command = (unshare, "--user", "--map-current-user", "--net")
    try:
        _run(account, *command, "true")
    except (Unavailable, OSError, subprocess.TimeoutExpired):
        return ()
    return command
