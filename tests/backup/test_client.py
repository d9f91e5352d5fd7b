"""Client programs at work against a real server."""

from __future__ import annotations

import os
import socket
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from app.backup.client import Client, Clients
from app.backup.connection import parse_connection
from app.backup.model import Stopped
from app.core.errors import Unavailable
from app.core.postgres import client_program
from app.testing import wait_until

from .server import GUARDED, PASSWORD, Server


def client(url: str, *, seconds: float = 60, pg_dump: str = "") -> Client:
    """A client of that URL."""
    return Client(parse_connection(url), seconds=seconds, pg_dump=pg_dump)


@contextmanager
def answering(answer: bytes) -> Iterator[int]:
    """A server on loopback that gives one answer to whoever connects; its port."""
    listening = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        try:
            while True:
                visitor, _ = listening.accept()
                with visitor:
                    visitor.recv(8)
                    visitor.sendall(answer)
        except OSError:
            return

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield listening.getsockname()[1]
    finally:
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        thread.join()


def pass_files() -> list[Path]:
    """Pass files of this process."""
    return list(Path(tempfile.gettempdir()).glob(f"atalaia-pgpass-{os.getpid()}-*"))


def test_answers_come_line_by_line(server: Server):
    """The server's answer is given as text, with a line for each row."""
    assert client(server.url("postgres")).ask("select 1; values (2), (3)") == "1\n2\n3"


def test_generated_statements_are_run(server: Server):
    """Statements that are themselves the answer to a query are run, and their answers told."""
    found = client(server.url("postgres")).ask_each(
        "select 'select ' || n from generate_series(1, 2) n", database=""
    )
    assert found == ["1", "2"]


def test_hostile_database_names_are_names(server: Server):
    """A database may be called like an option or a connection string, and nothing else is reached."""
    for name in ("-f", "host=evil", "a\nb", "a'b\"c\\d", "postgresql://x/y", "../x"):
        server.make(name)
        assert client(server.url(name)).ask("select current_database()") == name


def test_password_is_used_from_a_private_file(server: Server):
    """A password with every awkward character works, and its file is gone afterwards."""
    server.guard()
    asked = client(server.url("postgres", user=GUARDED, password=PASSWORD)).ask("select current_user")
    assert asked == GUARDED
    assert pass_files() == []


def test_wrong_password_is_a_complaint_without_it(server: Server):
    """A wrong password is said with a hint, and is not repeated."""
    server.guard()
    with pytest.raises(Unavailable, match="password authentication failed") as refused:
        client(server.url("postgres", user=GUARDED, password="canary-wrong")).ask("select 1")
    assert "canary" not in str(refused.value)
    assert "DATABASE_URL" in refused.value.hint


def test_silent_server_is_given_up(server: Server):
    """A server that says nothing is given up when the time is over."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"postgresql://u@127.0.0.1:{silent.getsockname()[1]}/d?sslmode=disable"
        with pytest.raises(Unavailable, match="not done when its time was over"):
            client(url, seconds=0.5).ask("select 1")


def test_ending_ends_what_runs(server: Server):
    """Who waits for an answer while the client is ended gets Stopped, and nothing begins any more."""
    asking = client(server.url("postgres"))
    errors: list[BaseException] = []

    def ask() -> None:
        try:
            asking.ask("select pg_sleep(60)")
        except Stopped as error:
            errors.append(error)

    thread = threading.Thread(target=ask)
    thread.start()
    wait_until(pass_files, what="the running program")
    asking.end()
    thread.join()
    assert errors
    with pytest.raises(Stopped):
        asking.ask("select 1")


def test_clients_that_are_ended_open_no_more(server: Server):
    """After all clients of a connection were ended, a new one cannot begin anything."""
    clients = Clients(parse_connection(server.url("postgres")), seconds=60)
    clients.end()
    with clients.open() as late, pytest.raises(Stopped):
        late.ask("select 1")


@pytest.mark.parametrize(
    ("answer", "mode"), [(b"N", ""), (b"S", "?sslmode=disable"), (b"", "?sslmode=allow"), (b"", "")]
)
def test_programs_without_tls_serve_where_there_is_none(answer: bytes, mode: str):
    """Over the network the wheel's programs are used where the server offers no TLS or the URL refuses it."""
    with answering(answer) as port:
        assert elsewhere(port, mode).tools(at_least=18).major == 18


@pytest.mark.parametrize(
    ("answer", "mode"), [(b"S", ""), (b"S", "?sslmode=prefer"), (b"N", "?sslmode=require")]
)
def test_nothing_is_sent_in_the_clear_where_others_would_not(answer: bytes, mode: str):
    """Over the network programs without TLS are refused when the server offers it or the URL demands it."""
    with answering(answer) as port, pytest.raises(Unavailable, match="speaks TLS"):
        elsewhere(port, mode).tools(at_least=18)


def elsewhere(port: int, mode: str) -> Client:
    """A client with the wheel's programs only, of a host that is not called a loopback host."""
    return client(f"postgresql://u@0.0.0.0:{port}/d{mode}", pg_dump=str(client_program("pg_dump")))


def test_client_of_another_database_ends_with_the_first(server: Server):
    """The way to another database is the same way, and is ended with it."""
    clients = Clients(parse_connection(server.url("postgres")), seconds=60)
    with clients.to("template1") as others, others.open() as client:
        assert client.ask("select current_database()") == "template1"
        clients.end()
        with pytest.raises(Stopped):
            client.ask("select 1")
    with clients.to("template1") as late:
        assert late.ended
