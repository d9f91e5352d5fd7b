"""The way to a PostgreSQL: one connection, made when it is needed and again when it broke.

Nobody who asks waits longer than the deadline, also when the server accepts and then says nothing:
questions are put by a thread of their own, and one that is late has its socket shut down under it.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Callable
from os import dup
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlencode

import psycopg2
from psycopg2.extensions import connection as Connection  # noqa: N812 because it is a class
from psycopg2.extras import RealDictCursor

from ...core.health import Level
from ..deadline import Deadline
from ..model import Reading

_CONNECT_SECONDS = 4
_LONGEST_REASON = 200
# Because SQLAlchemy's drivers have parameters of their own, which libpq refuses.
_PARAMETERS = re.compile(
    r"host|hostaddr|port|dbname|user|password|passfile|ssl(?:mode|rootcert|cert|key|password|crl)"
    r"|channel_binding|gssencmode|options|service|target_session_attrs|load_balance_hosts"
)

Row = dict[str, Any]


class Questions:
    """Puts queries over an open connection; a row is a dict by column."""

    def __init__(self, cursor: RealDictCursor) -> None:
        self._cursor = cursor

    def rows(self, query: str, *values: float) -> list[Row]:
        self._cursor.execute(query, values or None)
        return [dict(row) for row in self._cursor.fetchall()]

    def row(self, query: str, *values: float) -> Row:
        return self.rows(query, *values)[0]

    def rows_if_allowed(self, query: str) -> list[Row]:
        """No rows where the server does not offer them, or not to us."""
        try:
            return self.rows(query)
        except (psycopg2.ProgrammingError, psycopg2.OperationalError):
            return []


class PostgresLink:
    """Asks the server of a URL, in libpq's or SQLAlchemy's form."""

    def __init__(self, url: str, deadline_seconds: float) -> None:
        self._url = url
        self._connect_seconds = min(_CONNECT_SECONDS, max(2, int(deadline_seconds)))
        self._deadline = Deadline("database", deadline_seconds)
        self._connection: Connection | None = None
        self._socket: socket.socket | None = None

    def look(self, measure: Callable[[Questions], Row]) -> Reading:
        """The details that `measure` found; DOWN with a reason when it got no answer in time."""
        reading = self._deadline.run(lambda: self._answer(measure))
        if self._deadline.stuck and self._socket is not None:
            _shut(self._socket)
        return reading

    def close(self) -> None:
        """Let go of the connection; the next look() makes a new one."""
        if not self._deadline.stuck:
            self._disconnect()

    def _answer(self, measure: Callable[[Questions], Row]) -> Reading:
        kept = self._connection is not None
        try:
            with self._connected().cursor(cursor_factory=RealDictCursor) as cursor:
                return Reading(details=measure(Questions(cursor)))
        except psycopg2.Error as error:
            self._disconnect()
            if kept:
                # Because a server that was restarted has dropped this connection and accepts another.
                return self._answer(measure)
            return Reading(Level.DOWN, self._scrubbed(str(error)))

    def _connected(self) -> Connection:
        if self._connection is None:
            self._connection = psycopg2.connect(
                libpq_url(self._url), connect_timeout=self._connect_seconds, application_name="atalaia"
            )
            self._connection.autocommit = True
            # Because a connection in use by a late thread cannot be touched, but its socket can.
            self._socket = socket.socket(fileno=dup(self._connection.fileno()))
        return self._connection

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
        if self._socket is not None:
            self._socket.close()
        self._connection = self._socket = None

    def _scrubbed(self, text: str) -> str:
        """The first line of a driver's message, without the password in any form."""
        line = (text.strip().splitlines() or ["the driver gives no reason"])[0]
        line = re.sub(r"://[^@\s]*@", "://***@", re.sub(r"(?i)(password\s*=\s*)\S+", r"\1***", line))
        for secret in _passwords(self._url):
            line = line.replace(secret, "***")
        return line[:_LONGEST_REASON]


def libpq_url(url: str) -> str:
    """SQLAlchemy's form of a URL as libpq takes it: without driver, and without a driver's parameters."""
    scheme, _, rest = url.partition("://")
    if scheme.partition("+")[0] not in {"postgresql", "postgres"}:
        raise psycopg2.ProgrammingError("DATABASE_URL is not of the form postgresql://user@host/database")
    place, _, query = rest.partition("?")
    given = dict(parse_qsl(query))
    if "ssl" in given:  # Because asyncpg's URLs say ssl=require.
        given.setdefault("sslmode", given["ssl"])
    known = {name: value for name, value in given.items() if _PARAMETERS.fullmatch(name)}
    return f"postgresql://{place}?{urlencode(known, quote_via=quote)}"


def _passwords(url: str) -> set[str]:
    """The password of a URL, as it stands there and as it is meant."""
    rest = url.partition("://")[2]
    written = rest.rpartition("@")[0].partition(":")[2]
    queried = dict(parse_qsl(rest.partition("?")[2])).get("password", "")
    return {secret for secret in (written, unquote(written), queried) if secret}


def _shut(handle: socket.socket) -> None:
    try:
        handle.shutdown(socket.SHUT_RDWR)
    except OSError:
        return  # Because the other side may have closed it already.
