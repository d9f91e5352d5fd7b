from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator

import psycopg2
import pytest

from app.core.health import Level
from app.core.postgres import EmbeddedPostgres
from app.performance.probes.postgres import PostgresLink, Questions, Row, libpq_url
from app.testing import wait_until

from ..listeners import listener, silent, unused_port


def ask(questions: Questions) -> Row:
    return questions.row("select pg_backend_pid() as pid")


@pytest.fixture
def link(postgres: EmbeddedPostgres) -> Iterator[PostgresLink]:
    link = PostgresLink(postgres.url, deadline_seconds=5)
    yield link
    link.close()


@pytest.mark.parametrize(
    ("url", "understood"),
    [
        ("postgresql+psycopg2://u:p@h:5432/db", {"user": "u", "password": "p", "host": "h", "port": "5432"}),
        ("postgres://u@h/db?sslmode=require", {"user": "u", "host": "h", "sslmode": "require"}),
        ("postgresql+asyncpg://h/db?ssl=require&timeout=9", {"host": "h", "sslmode": "require"}),
        ("postgresql://u@/db?host=/run/my%20pg", {"user": "u", "host": "/run/my pg"}),
        ("postgresql:///db", {}),
    ],
)
def test_sqlalchemys_urls_are_understood(url: str, understood: dict[str, str]) -> None:
    """Driver and its parameters are left out, a Unix socket stays."""
    assert psycopg2.extensions.parse_dsn(libpq_url(url)) == {"dbname": "db", **understood}


def test_another_kind_of_database_is_refused() -> None:
    """With a reason instead of an exception, and without the password."""
    reading = PostgresLink("mysql://u:s3cret@h/db", 2).look(ask)
    assert reading.level is Level.DOWN
    assert "not of the form postgresql://" in reading.reason
    assert "s3cret" not in reading.reason


def test_the_connection_is_kept_between_looks(link: PostgresLink) -> None:
    """The same backend answers twice."""
    assert link.look(ask).details == link.look(ask).details


def test_a_dropped_connection_is_made_again(link: PostgresLink, postgres: EmbeddedPostgres) -> None:
    """A server that was restarted is not reported as down."""
    before = link.look(ask).details["pid"]
    with psycopg2.connect(postgres.url) as other, other.cursor() as cursor:
        cursor.execute("select pg_terminate_backend(%s, 5000)", (before,))
    other.close()
    after = link.look(ask)
    assert (after.level, after.details["pid"] != before) == (Level.OK, True)


def test_nobody_listening_is_told_at_once() -> None:
    """With the driver's own words."""
    reading = PostgresLink(f"postgresql://u:s3cret@127.0.0.1:{unused_port()}/db", 5).look(ask)
    assert reading.level is Level.DOWN
    assert "Connection refused" in reading.reason
    assert "s3cret" not in reading.reason


def test_a_black_hole_takes_no_longer_than_the_deadline() -> None:
    """The server accepts and never answers; one thread waits at most, and it ends by itself."""
    with listener(silent) as port:
        link = PostgresLink(f"postgresql://u:s3cret@127.0.0.1:{port}/db", deadline_seconds=1)
        began = time.monotonic()
        assert link.look(ask).reason == "no answer within 1 s"
        assert link.look(ask).reason == "an earlier check still waits for an answer"
        assert time.monotonic() - began < 2
        assert [thread.name for thread in threading.enumerate()].count("atalaia-database") == 1
        wait_until(lambda: not link._deadline.stuck, what="the end of the stuck check")
    link.close()


class Relay:
    """Between a client and a server: passes everything on until it is told to swallow it."""

    def __init__(self, target: str) -> None:
        self._target = target
        self.swallows = threading.Event()
        self.ended = threading.Event()

    def serve(self, client: socket.socket) -> None:
        with socket.socket(socket.AF_UNIX) as server:
            server.connect(self._target)
            back = threading.Thread(target=self._pass_on, args=(server, client))
            back.start()
            self._pass_on(client, server)
            server.close()
            back.join()

    def _pass_on(self, source: socket.socket, sink: socket.socket) -> None:
        source.settimeout(0.02)
        while not self.ended.is_set():
            try:
                data = source.recv(65_536)
            except TimeoutError:
                continue
            except OSError:
                return
            if not data:
                return
            if not self.swallows.is_set():
                sink.sendall(data)


def test_a_connection_that_falls_silent_is_cut_and_made_again(postgres: EmbeddedPostgres) -> None:
    """A proxy that acknowledges and never answers holds the thread no longer than the deadline."""
    parameters = psycopg2.extensions.parse_dsn(postgres.url)
    relay = Relay(f"{parameters['host']}/.s.PGSQL.5432")
    with listener(relay.serve) as port:
        url = f"postgresql://{parameters['user']}@127.0.0.1:{port}/{parameters['dbname']}?sslmode=disable"
        link = PostgresLink(url, deadline_seconds=1)
        assert link.look(ask).level is Level.OK
        relay.swallows.set()
        assert link.look(ask).reason == "no answer within 1 s"
        relay.swallows.clear()
        wait_until(lambda: not link._deadline.stuck, what="the cut connection's thread")
        assert link.look(ask).level is Level.OK
        link.close()
        relay.ended.set()


@pytest.mark.parametrize(
    "text",
    [
        'FATAL: password authentication failed for "u" with s3cr%C3%A9t',
        "invalid dsn: postgresql://u:s3cr%C3%A9t@h/db",
        "password=s3crét is wrong",
        "it was s3crét",
    ],
)
def test_no_form_of_the_password_is_repeated(text: str) -> None:
    """As it stands in the URL, as it is meant, and as part of another URL."""
    scrubbed = PostgresLink("postgresql://u:s3cr%C3%A9t@h/db", 1)._scrubbed(text + "\nsecond line")
    assert "s3cr" not in scrubbed
    assert "second line" not in scrubbed
