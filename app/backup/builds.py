"""Which PostgreSQL a backup is drilled in: one that is new enough and has the extensions it needs."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from ..core.postgres_wheel import every_server
from .model import NotDrillable, major
from .tools import ENVIRONMENT, Tools

_ANSWER_SECONDS = 10.0
_SYSTEM = Path("/usr/lib/postgresql")  # Debian's and Alpine's
_SHARED = Path("/usr/share/postgresql")
_VERSION = re.compile(r"\(PostgreSQL\) (\d+\S*)")
_HINT = "Install Atalaia with its extra `drill`, or a PostgreSQL server package that has it."


@dataclass(frozen=True, slots=True)
class Build:
    """An installed server: its folder with `bin`, its version, the extensions that can be made in it."""

    folder: Path
    version: str
    extensions: frozenset[str]
    is_ours: bool

    @property
    def major(self) -> int:
        """18 for version 18.4."""
        return major(self.version)

    @property
    def tools(self) -> Tools:
        """The client programs that came with it."""
        return Tools(self.folder / "bin", self.version, self.major, speaks_tls=False)


def builds() -> list[Build]:
    """Every server of the wheels and of the machine that can be run here."""
    folders = [*every_server(), *_SYSTEM.glob("*")]
    return [found for folder in folders if (found := _look_at(folder)) is not None]


def of_major(wanted: int) -> list[Build]:
    """Servers of that very version, those on PATH too: the only ones that run its data folder."""
    found_there = [Path(folder, "postgres") for folder in os.get_exec_path()]
    folders = [program.resolve().parents[1] for program in found_there if program.exists()]
    every = [*builds(), *(found for folder in folders if (found := _look_at(folder)) is not None)]
    # Because a system's own is what production runs, and has the most extensions.
    return sorted(
        {build.folder: build for build in every if build.major == wanted}.values(),
        key=lambda build: (build.is_ours, -len(build.extensions)),
    )


def fitting(found: Iterable[Build], *, at_least: int, extensions: Iterable[str]) -> list[Build]:
    """Those that can take it, the oldest first and of equal ones the wheels'; NotDrillable without any.

    `at_least`: the major version of the pg_dump that wrote the file, because no older server takes it.
    """
    wanted = frozenset(extensions)
    new_enough = [build for build in found if build.major >= at_least]
    if not new_enough:
        raise NotDrillable(f"there is no PostgreSQL {at_least} or newer to restore it into", _HINT)
    able = [build for build in new_enough if wanted <= build.extensions]
    if not able:
        missing = min((sorted(wanted - build.extensions) for build in new_enough), key=len)
        names = ", ".join(missing)
        raise NotDrillable(f"no PostgreSQL {at_least} or newer here has the extension {names}", _HINT)
    return sorted(able, key=lambda build: (build.major, not build.is_ours))


@lru_cache(maxsize=32)
def _look_at(folder: Path) -> Build | None:
    try:
        told = subprocess.run(
            [folder / "bin" / "postgres", "--version"],
            env=ENVIRONMENT,
            capture_output=True,
            text=True,
            check=True,
            timeout=_ANSWER_SECONDS,
        )
    except (OSError, subprocess.SubprocessError):
        return None  # Because a wheel's programs may be too new for this machine's C library.
    version = _VERSION.search(told.stdout)
    is_ours = _SYSTEM not in folder.parents
    return Build(folder, version[1], frozenset(_extensions(folder)), is_ours) if version else None


def _extensions(folder: Path) -> Iterator[str]:
    shares = (folder / "share", folder / "share" / "postgresql", _SHARED / folder.name)
    for share in shares:
        for control in (share / "extension").glob("*.control"):
            yield control.name.removesuffix(".control")
