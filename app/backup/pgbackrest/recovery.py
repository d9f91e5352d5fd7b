"""A backup of a whole server in a throw-away one, which recovers its log and can reach nobody."""

from __future__ import annotations

import importlib.metadata
import time
from collections import ChainMap
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ...core.accounts import Account, unprivileged
from ...core.errors import AtalaiaError, Unavailable
from ...core.files import write_whole
from ...core.postgres_home import PORT, PostgresHome
from ...core.postgres_scratch import recovered_postgres
from ...core.postgres_wheel import reachable
from ..builds import Build
from ..client import Client
from ..connection import Connection
from ..model import Backup, CalledOff, NotDrillable, OnShare, RestoreFailed
from .following import watched
from .moment import Moment
from .physical import Physical
from .program import GoOn, PgBackRest, share_of
from .segments import following, place, segments

_RESTORED_SHARE, _RECOVERED_SHARE = 0.4, 0.7
# What a copy of a server must not do: run code that was only there beside its data, call anybody, archive.
_QUIET = {
    "archive_mode": "off",
    "archive_command": "",
    "shared_preload_libraries": "",
    "session_preload_libraries": "",
    "local_preload_libraries": "",
    "max_logical_replication_workers": "0",
    "ssl": "off",
    "logging_collector": "off",
    "log_destination": "stderr",
    "huge_pages": "off",
}
_RECOVERY = {
    "hot_standby": "off",
    "max_prepared_transactions": "256",  # because those that are prepared come back with the log
    "restore_command": "false",  # because its log is there already
    "recovery_target_timeline": "current",
    "recovery_target_action": "promote",
}
_NEWER = {17: {"event_triggers": "off"}, 18: {"io_method": "sync"}}
# Because settings of roles and databases come back too, and triggers on DDL.
_OPTIONS = (
    "-c search_path=pg_catalog -c session_preload_libraries= -c local_preload_libraries= -c role=none"
    " -c default_transaction_read_only=off -c statement_timeout=0 -c session_replication_role=replica"
)
_NOT_THE_BACKUPS = (
    "No space left",
    "Permission denied",
    "could not access file",
    "could not load library",
    "could not create shared memory",
    "could not map anonymous shared memory",
    "incompatible with server",
    "incompatible with operating system",
    "not recognized by setlocale",
    "unable to connect",
    "unable to get address",
    "collation provider",
    "ICU is not supported",
    "failed: option '",
)


@dataclass(frozen=True, slots=True)
class Recovered:
    """A running server with what the backup had; `restore_seconds`: until it answered."""

    client: Client
    build: Build
    restore_seconds: float


@dataclass(frozen=True, slots=True)
class Recovering:
    """One backup on its way into `folder`: `users` are names that its first superuser may have."""

    program: PgBackRest
    backup: Backup
    moment: Moment | None
    build: Build
    folder: Path
    users: Sequence[str]
    seconds: float
    go_on: GoOn
    on_share: OnShare

    @contextmanager
    def recovered(self) -> Iterator[Recovered]:
        """Restore, recover and run it until the block ends.

        NotDrillable when it cannot be done here; RestoreFailed for reasons of the backup's own.
        """
        began, account = time.monotonic(), self._account
        server = _reachable(self.build, account, self.folder)
        running = recovered_postgres(server, self.folder, account, self._fill, self.go_on)
        with _meant(self.go_on), running as home:
            seconds = round(time.monotonic() - began, 3)
            client = self._client(home)
            with watched(client, self.go_on):
                self.on_share(_RECOVERED_SHARE)
                yield Recovered(client, self.build, seconds)

    @property
    def _account(self) -> Account:
        account = self.program.account
        return account if account.uid else unprivileged()

    @property
    def _physical(self) -> Physical:
        assert self.backup.physical is not None
        return self.backup.physical

    def _settings(self, home: PostgresHome) -> dict[str, str]:
        target = {"recovery_target": "immediate"}
        if self.moment is not None:
            target = {"recovery_target_lsn": self.moment.lsn, "recovery_target_inclusive": "off"}
        newer = [more for since, more in _NEWER.items() if self.build.major >= since]
        return dict(ChainMap(*newer, _access(home), target, _RECOVERY, _QUIET))

    def _fill(self, home: PostgresHome) -> dict[str, str]:
        """Let pgBackRest restore the files and then fetch the log, while there is a network."""
        elsewhere = home.folder / "tablespaces"
        self._account.claim(elsewhere)
        self.program.run(
            "restore",
            f"--set={self.backup.id}",
            f"--repo={self._physical.repo}",
            f"--pg1-path={home.data}",
            "--reset-pg1-host",
            "--archive-mode=off",
            "--type=immediate",
            "--reset-link-map",
            "--no-link-all",
            "--reset-tablespace-map",
            f"--tablespace-map-all={elsewhere}",
            "--no-delta",
            seconds=self.seconds,
            go_on=self.go_on,
            on_line=lambda line: self.on_share((share_of(line) or 0.0) * _RESTORED_SHARE),
        )
        # Because what the server was told beyond its configuration is not to be told to this one.
        for name in ("postgresql.auto.conf", "standby.signal"):
            (home.data / name).unlink(missing_ok=True)
        self._fetch_log(home.data)
        return self._settings(home)

    def _fetch_log(self, data: Path) -> None:
        """Every segment from the backup's begin to its end, or to the moment that it is compared with."""
        first, last = self._physical.wal_start, self._physical.wal_stop
        until = place(self.moment.lsn) if self.moment else place(self._physical.lsn_stop) - 1
        self._fetch(first, data)
        size = (data / "pg_wal" / first).stat().st_size
        wanted = segments(first, until, size)
        for segment in wanted[1:]:
            if segment <= last:
                self._fetch(segment, data)
            elif not self._fetched(segment, data):
                # Because what came after the backup may have expired, which is no fault of the backup.
                fact = f"the segment {segment}, up to which it is compared, is not in the archive"
                raise NotDrillable(fact, "See repo1-retention-archive.")
        # Because the first record after the moment, which ends the recovery, may reach into the next one.
        self._fetched(following(wanted[-1], size), data)

    def _fetch(self, segment: str, data: Path) -> None:
        if not self._fetched(segment, data):
            raise RestoreFailed(f"the segment {segment} of its log is not in the archive")

    def _fetched(self, segment: str, data: Path) -> bool:
        self.go_on()
        return self.program.fetch(segment, data / "pg_wal" / segment, data, self._physical.repo)

    def _client(self, home: PostgresHome) -> Client:
        """The way in, as whichever superuser there is."""
        why: Unavailable | None = None
        for user in dict.fromkeys(self.users):
            connection = Connection(
                "template1", user=user, hosts=str(home.socket), ports=PORT, options={"options": _OPTIONS}
            )
            client = Client(connection, seconds=self.seconds)
            try:
                client.ask("select 1")
            except Unavailable as error:
                why = error
            else:
                return client
        assert why is not None
        if "does not exist" in why.fact:
            raise NotDrillable(f"nobody knows its superuser: {why.fact}", "Set pg1-user at pgBackRest.")
        raise why


def is_of_this_machine(words: str) -> bool:
    """Whether a complaint says nothing of the backup."""
    return any(sign in words for sign in _NOT_THE_BACKUPS)


def _access(home: PostgresHome) -> dict[str, str]:
    """Its configuration, in place of the one that came back: everybody who gets to the socket may come in."""
    files = {"config_file": b"", "hba_file": b"local all all trust\n", "ident_file": b""}
    for name, content in files.items():
        write_whole(home.socket / name, content, durable=False)
    return {name: str(home.socket / name) for name in files}


def _reachable(build: Build, account: Account, folder: Path) -> Path:
    try:
        return reachable(build.folder, account, folder, f"{build.folder.parent.name}-{build.folder.name}")
    except importlib.metadata.PackageNotFoundError as error:
        raise NotDrillable(
            f"the server {build.folder} cannot be reached by the account of uid {account.uid}",
            "Let others pass its folders.",
        ) from error


@contextmanager
def _meant(go_on: Callable[[], None]) -> Iterator[None]:
    """What is wrong with the backup is told from what is wrong here."""
    try:
        yield
    except (NotDrillable, RestoreFailed):
        raise
    except AtalaiaError as error:
        go_on()  # Because who was ended complains of other things.
        if isinstance(error, CalledOff) or is_of_this_machine(f"{error.fact} {error.hint}"):
            raise NotDrillable(error.fact, error.hint) from error
        raise RestoreFailed(f"{error.fact}{_said(error)}", error.hint) from error


def _said(error: AtalaiaError) -> str:
    """The last complaint of a server that did not start."""
    fatal = [line.partition("FATAL:")[2].strip() for line in error.hint.splitlines() if "FATAL:" in line]
    return f": {fatal[-1]}" if fatal else ""
