"""Which installation of PostgreSQL's client programs to use: the oldest that is new enough.

A dump can only be restored by a pg_restore as new as the pg_dump that wrote it, and into a server
as old as the one it came from only by one that is not much newer. So the nearest version is the best.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from ..core.errors import Unavailable
from ..core.postgres_wheel import every_server

ENVIRONMENT = {"LC_ALL": "C", "PATH": "/usr/local/bin:/usr/bin:/bin"}
_OLDEST_SERVER = 13
_ANSWER_SECONDS = 10.0
_VERSION = re.compile(rb"\(PostgreSQL\) (\d+)(\S*)")


@dataclass(frozen=True, slots=True)
class Tools:
    """pg_dump, pg_restore and psql of one version; `major` is 18 for version 18.4."""

    folder: Path
    version: str
    major: int
    speaks_tls: bool

    def program(self, name: str) -> Path:
        """The path of one of the programs."""
        return self.folder / name


def installed(configured: str = "") -> list[Tools]:
    """Every usable installation: the wheels' and that on PATH, or only that of the pg_dump `configured`.

    Raises Unavailable when that one is none.
    """
    if configured:
        found = _usable(Path(configured).parent)
        if not found:
            fact = f"BACKUP_PG_DUMP={configured} is no working pg_dump with its pg_restore and psql"
            raise Unavailable(fact, "Correct it, or leave it empty: then one is chosen.")
        return found
    wheels = [tools for server in every_server() for tools in _of_wheel(server / "bin")]
    return [*wheels, *(tools for folder in _folder_on_path() for tools in _usable(folder))]


def choose(found: Iterable[Tools], *, at_least: int, tls: bool) -> Tools:
    """The oldest whose major version is `at_least` or newer, and that speaks TLS where that is needed.

    Raises Unavailable when there is none.
    """
    return min(_fitting(found, at_least, tls), key=lambda tools: tools.major)


def newest(found: Iterable[Tools], *, tls: bool) -> Tools:
    """The installation with which to ask a server of unknown version; Unavailable without any."""
    return max(_fitting(found, _OLDEST_SERVER, tls), key=lambda tools: tools.major)


def _fitting(found: Iterable[Tools], at_least: int, tls: bool) -> list[Tools]:
    fitting = [tools for tools in found if tools.major >= at_least and (tools.speaks_tls or not tls)]
    if not fitting:
        skill = " that speaks TLS" if tls else ""
        raise Unavailable(
            f"there is no pg_dump of PostgreSQL {at_least} or newer{skill}",
            f"Install the package postgresql-client-{at_least}, or name a pg_dump in BACKUP_PG_DUMP.",
        )
    return fitting


@lru_cache(maxsize=32)
def _of_wheel(folder: Path) -> list[Tools]:
    """As _usable(), asked once, because what a wheel has put there stays as it is."""
    return _usable(folder)


def _usable(folder: Path) -> list[Tools]:
    """What is in a folder: one installation or none."""
    told = _told(folder / "pg_dump", "--version")
    if told is None or not (version := _VERSION.search(told)):
        return []
    major, rest = version[1].decode(), version[2].decode()
    return [Tools(folder, major + rest, int(major), _speaks_tls(folder / "psql"))]


def _folder_on_path() -> list[Path]:
    found = shutil.which("pg_dump")
    return [Path(found).parent] if found else []


def _speaks_tls(psql: Path) -> bool:
    # Because a libpq without TLS refuses this option before it looks for the host.
    told = _told(psql, "--dbname=sslmode=require host=/nonexistent")
    return told is not None and b"not compiled in" not in told


def _told(program: Path, argument: str) -> bytes | None:
    try:
        answer = subprocess.run(
            [program, argument],
            env=ENVIRONMENT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
            timeout=_ANSWER_SECONDS,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return answer.stdout
