"""What DATABASE_URL says, as libpq's client programs want to be told it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, unquote

from ..core.errors import SettingsError

_URL = re.compile(
    r"postgres(?:ql)?(?:\+\w+)?://"
    r"(?:(?P<user>[^:/@]*)(?::(?P<password>[^@]*))?@)?"
    r"(?P<hosts>[^/?]*)(?:/(?P<database>[^?]*))?(?:\?(?P<query>.*))?",
    re.DOTALL,
)
_HOST = re.compile(r"(?:\[(?P<v6>[^\]]*)\]|(?P<name>[^:]*))(?::(?P<port>\d*))?")

# Because drivers add parameters of their own to the query, and libpq refuses what it does not know.
_OPTIONS = re.compile(
    r"application_name|channel_binding|connect_timeout|gssencmode|hostaddr|keepalives(_count|_idle|_interval)?"
    r"|krbsrvname|options|passfile|requirepeer|service|ssl(cert|crl|crldir|key|mode|negotiation|rootcert)"
    r"|target_session_attrs|tcp_user_timeout"
)
_LASTING = {
    "connect_timeout": "10",
    "keepalives_idle": "30",
    "keepalives_interval": "10",
    "keepalives_count": "3",
}
# Because each build of libpq has its own idea of where the local server's socket is.
_SOCKETS = "/var/run/postgresql,/tmp"
_LOOPBACK = ("localhost", "127.", "::1")


@dataclass(frozen=True, slots=True)
class Connection:
    """A database and the way to it; `hosts` and `ports` are comma lists as libpq has them."""

    database: str
    user: str = ""
    password: str = field(default="", repr=False)
    hosts: str = ""
    ports: str = ""
    options: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_local(self) -> bool:
        """True when every byte stays on this machine: Unix sockets and loopback."""
        return all(not host or host.startswith(("/", "@", *_LOOPBACK)) for host in self.hosts.split(","))

    @property
    def first_address(self) -> tuple[str, int]:
        """Host and TCP port of the first server of the list."""
        return self.hosts.split(",")[0], int(self.ports.split(",")[0] or 5432)

    def conninfo(self, database: str = "", **more: str) -> str:
        """The connection string for libpq, without the password; to `database` where one is given."""
        words = {
            "dbname": database or self.database,
            "user": self.user,
            "host": self.hosts,
            "port": self.ports,
        }
        given = {**_LASTING, **self.options, **words, **more}
        return " ".join(f"{word}={_quoted(value)}" for word, value in given.items() if value)


def parse_connection(url: str) -> Connection:
    """The Connection of a postgresql:// URL, as SQLAlchemy or libpq write it.

    Raises SettingsError, which does not repeat the URL because a password stands in it.
    """
    found = _URL.fullmatch(url)
    if found is None:
        raise SettingsError(
            "DATABASE_URL is no PostgreSQL URL", "Write postgresql://user:password@host:5432/database."
        )
    query = parse_qsl(found["query"] or "", keep_blank_values=True)
    hosts, ports = _addresses(found["hosts"], [value for name, value in query if name == "host"])
    options = dict(query)
    user = unquote(found["user"] or "") or options.get("user", "")
    database = unquote(found["database"] or "") or options.get("dbname", "") or user
    if not database:
        raise SettingsError(
            "DATABASE_URL names no database", "Write postgresql://user:password@host:5432/database."
        )
    return Connection(
        database=database,
        user=user,
        password=unquote(found["password"] or "") or options.get("password", ""),
        hosts=hosts or _SOCKETS,
        ports=ports or options.get("port", ""),
        options=_known(options),
    )


def _addresses(netloc: str, in_query: list[str]) -> tuple[str, str]:
    texts = in_query or [unquote(netloc)]
    parts = [part for text in texts for part in text.split(",")]
    # Because a Unix socket's folder may contain colons, only a name or number is split at one.
    found = [None if part.startswith(("/", "@")) else _HOST.fullmatch(part) for part in parts]
    hosts = [
        (match["v6"] or match["name"] or "") if match else part
        for part, match in zip(parts, found, strict=True)
    ]
    ports = [(match["port"] or "") if match else "" for match in found]
    return ",".join(hosts), ",".join(ports) if any(ports) else ""


def _known(options: Mapping[str, str]) -> dict[str, str]:
    known = {name: value for name, value in options.items() if _OPTIONS.fullmatch(name)}
    if "ssl" in options and "sslmode" not in known:  # Because asyncpg's URLs say ssl=require.
        known["sslmode"] = options["ssl"]
    return known


def _quoted(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"
