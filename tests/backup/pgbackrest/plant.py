"""A server whose log is archived by pgBackRest, and the page that backs it up."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg2

from app.backup.builds import of_major
from app.backup.pgbackrest.settings import PgBackRestSettings
from app.backup.settings import BackupSettings
from app.core.accounts import unprivileged
from app.core.signal import Condition
from app.services.backup_system import BackupSystem
from app.testing import FrozenClock, RecordingEmit

PROGRAM = shutil.which("pgbackrest")
SUPPORTED = (15, 14, 13)  # those that every pgBackRest which we drive knows
SERVERS = [build.folder / "bin" for major in SUPPORTED for build in of_major(major)]
CONTENT = """
create table guests (id serial primary key, name text not null, since timestamptz default now());
insert into guests (name) select 'hóspede ' || i from generate_series(1, 2000) i;
create unlogged table visits as select 1 as one;
select lo_from_bytea(4711, 'a voice message');
"""
WRITER = (
    "insert into guests (name) values ('late'); delete from guests where id = (select min(id) from guests)"
)


class Plant:
    """A server, its stanza `plant`, and a page that backs it up."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.account = unprivileged()
        self.binaries = SERVERS[0]
        for name in ("", "data", "repo", "log", "lock", "sock"):
            self.account.claim(folder / name)
        self.clock, self.emit = FrozenClock(), RecordingEmit()
        self._pages: list[BackupSystem] = []
        self._configure()
        self.page = self.open(drill="off")

    @property
    def url(self) -> str:
        return f"postgresql://postgres@/postgres?host={self.folder / 'sock'}"

    @property
    def backups(self) -> Path:
        return self.folder.parent / "backups"

    def open(self, *, program: str = str(PROGRAM), **settings: Any) -> BackupSystem:
        """Another page of the same backups."""
        asked = PgBackRestSettings(stanza="plant", config=self.folder / "conf", program=program)
        given = BackupSettings(engine="pgbackrest", timezone="UTC", **settings)
        page = BackupSystem(given, self.backups, self.url, self.clock, self.emit, pgbackrest=asked)
        self._pages.append(page)
        return page

    def run(self, *command: str | Path) -> None:
        """A program, as the owner of the data."""
        subprocess.run(command, check=True, capture_output=True, cwd="/", timeout=60, **self.account.switch)

    def pgbackrest(self, *words: str) -> None:
        """pgBackRest by hand."""
        self.run(PROGRAM or "", f"--config={self.folder / 'conf'}", "--stanza=plant", *words)

    def start(self, data: Path | None = None, *options: str) -> None:
        """Run the server of a data folder, its own where none is named."""
        log, data = self.folder / "log" / "server", data or self.folder / "data"
        subprocess.run(
            [self.binaries / "pg_ctl", "-D", data, "-l", log, "-w", *options, "start"],
            check=True, stdout=subprocess.DEVNULL, cwd="/", timeout=60, **self.account.switch,
        )  # fmt: skip

    def halt(self, data: Path | None = None) -> None:
        """End it at once."""
        self.run(self.binaries / "pg_ctl", "-D", data or self.folder / "data", "-m", "immediate", "stop")

    def close(self) -> None:
        """Nothing of it is left."""
        for page in self._pages:
            page.stop()
        self.halt()
        shutil.rmtree(self.folder.parent)

    def back_up(self, page: BackupSystem | None = None, type_: str = "") -> dict[str, Any]:
        """Have a backup made, and tell what became of it."""
        page = page or self.page
        return page.wait(page.request(reason="manual", type_=type_)["id"], 60)

    def drill(self, label: str, **settings: Any) -> dict[str, Any]:
        """Have one drilled, and tell what is known of it then."""
        page = self.open(**settings)
        page.wait(page.drill(label)["id"], 60)
        return page.get(label)

    def change(self, old: str, new: str) -> None:
        """Another configuration of pgBackRest."""
        conf = self.folder / "conf"
        conf.write_text(conf.read_text().replace(old, new))

    def ask(self, *statements: str, socket: str = "sock") -> list[tuple[Any, ...]]:
        """Run statements one by one, and tell the rows of the last."""
        session = psycopg2.connect(host=str(self.folder / socket), user="postgres", dbname="postgres")
        session.autocommit = True
        with session.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
            rows = cursor.fetchall() if cursor.description else []
        session.close()
        return rows

    @contextmanager
    def spoilt(self, pattern: str) -> Iterator[None]:
        """Meanwhile two bytes of a file of the repository are others."""
        path = max(self.folder.glob(pattern))
        content = path.read_bytes()
        path.write_bytes(content[:40] + b"XX" + content[42:])
        try:
            yield
        finally:
            path.write_bytes(content)

    def codes(self, condition: Condition) -> list[str]:
        """What was emitted."""
        return [one.code for one in self.emit.signals if one.condition is condition]

    def left_over(self) -> list[str]:
        """What throw-away servers have left."""
        return [path.name for path in (self.backups / ".drill").glob("drill-*")]

    def _configure(self) -> None:
        at = self.folder
        (at / "conf").write_text(
            f"[global]\nrepo1-path={at}/repo\nrepo1-retention-full=2\nlog-path={at}/log\n"
            f"lock-path={at}/lock\nstart-fast=y\njob-retry=0\n[plant]\npg1-path={at}/data\npg1-socket-path={at}/sock\n"
            "pg1-user=postgres\n"
        )
        (at / "conf").chmod(0o644)
        options = ("--auth=trust", "--username=postgres", "--no-sync", "-k", "--encoding=UTF8")
        self.run(self.binaries / "initdb", "-D", at / "data", *options)
        with (at / "data" / "postgresql.conf").open("a") as file:
            push = f"{PROGRAM} --config={at}/conf --stanza=plant archive-push %p"
            file.write(f"listen_addresses=''\nunix_socket_directories='{at}/sock'\nfsync=off\n")
            file.write(f"archive_mode=on\narchive_command='{push}'\n")
        self.start()
        self.pgbackrest("stanza-create")
        self.ask(CONTENT)
