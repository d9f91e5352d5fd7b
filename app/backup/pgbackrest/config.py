"""What Atalaia has to know of pgBackRest's own configuration: whose server it is, and what is kept."""

from __future__ import annotations

import configparser
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ...core.errors import Unavailable

_USUAL = (Path("/etc/pgbackrest/pgbackrest.conf"), Path("/etc/pgbackrest.conf"))
_MORE = Path("/etc/pgbackrest/conf.d")


@dataclass(frozen=True, slots=True)
class Stanza:
    """`data_folder` is None where the server is on another host; `options` are those that hold for it."""

    name: str
    config: Path | None
    options: Mapping[str, str]

    @property
    def data_folder(self) -> Path | None:
        path = self.options.get("pg1-path")
        return Path(path) if path and "pg1-host" not in self.options else None

    @property
    def repo_folder(self) -> Path | None:
        """None where the repository is on another host or in a bucket."""
        is_here = self.options.get("repo1-type", "posix") in {"posix", "cifs"}
        if not is_here or "repo1-host" in self.options:
            return None
        return Path(self.options.get("repo1-path", "/var/lib/pgbackrest"))

    @property
    def retention(self) -> dict[str, str]:
        """What pgBackRest keeps, by the names of its options."""
        return {name: value for name, value in sorted(self.options.items()) if "-retention-" in name}


def read_stanza(name: str, config: Path | None) -> Stanza:
    """Unavailable where there is no such file or stanza, or it cannot be read."""
    if not name:
        raise Unavailable("BACKUP_PGBACKREST_STANZA is not set", "Name the stanza of pgBackRest to back up.")
    paths = [config] if config else [path for path in _USUAL if path.exists()][:1]
    if not paths:
        raise Unavailable(
            "pgBackRest has no configuration", f"Write {_USUAL[0]}, or name it in BACKUP_PGBACKREST_CONFIG."
        )
    parser = configparser.ConfigParser(
        interpolation=None, strict=False, delimiters=("=",), comment_prefixes=("#",), default_section="\n"
    )
    more = sorted(_MORE.glob("*.conf")) if not config else []
    for path in (*paths, *more):
        try:
            parser.read_string(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise Unavailable(
                f"{path} cannot be read: {error.strerror}", "Let the server's user read it."
            ) from error
        except (configparser.Error, UnicodeDecodeError) as error:
            raise Unavailable(f"{path} is no configuration of pgBackRest: {error}".splitlines()[0]) from error
    if not parser.has_section(name):
        hint = f"Add [{name}] with pg1-path to it, or correct BACKUP_PGBACKREST_STANZA."
        raise Unavailable(f"{paths[0]} has no stanza {name!r}", hint)
    options = {**(parser["global"] if parser.has_section("global") else {}), **parser[name]}
    return Stanza(name, config, options)
