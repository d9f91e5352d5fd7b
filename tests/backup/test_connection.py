"""DATABASE_URL as libpq's programs are told it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import make_url

from app.backup.connection import parse_connection
from app.core.errors import SettingsError


@pytest.mark.parametrize(
    "scheme", ["postgresql", "postgres", "postgresql+psycopg2", "postgresql+asyncpg", "postgresql+psycopg"]
)
def test_schemes_of_every_driver_are_known(scheme: str):
    """SQLAlchemy's driver names in the scheme make no difference."""
    found = parse_connection(f"{scheme}://u:p@db.example:5433/shop")
    assert (found.user, found.password, found.hosts, found.ports, found.database) == (
        "u", "p", "db.example", "5433", "shop",
    )  # fmt: skip


def test_percent_encoded_parts_are_decoded():
    """User, password and database may hold any character, percent-encoded."""
    found = parse_connection("postgresql://a%40b:p%40%3A%2F%25w@h/d%20b")
    assert (found.user, found.password, found.database) == ("a@b", "p@:/%w", "d b")


def test_socket_folder_stands_in_the_query():
    """A Unix socket's folder in ?host= is the host."""
    found = parse_connection("postgresql+psycopg2://u@/shop?host=/run/a%3Ab")
    assert (found.hosts, found.is_local) == ("/run/a:b", True)


def test_no_host_means_the_usual_sockets():
    """Without a host both places are tried where a local server's socket usually is."""
    assert parse_connection("postgresql:///shop").hosts == "/var/run/postgresql,/tmp"


@pytest.mark.parametrize(
    ("url", "hosts", "ports"),
    [
        ("postgresql://a:1,b:2/d", "a,b", "1,2"),
        ("postgresql:///d?host=a:1&host=b:2", "a,b", "1,2"),
        ("postgresql://[::1]:5433/d", "::1", "5433"),
        ("postgresql://h/d?port=6432", "h", "6432"),
    ],
)
def test_several_hosts_and_ports(url: str, hosts: str, ports: str):
    """Lists of hosts, IPv6 and a port in the query are understood."""
    found = parse_connection(url)
    assert (found.hosts, found.ports) == (hosts, ports)


def test_driver_options_are_left_out():
    """What only SQLAlchemy or a driver knows does not reach libpq; what libpq knows does."""
    found = parse_connection(
        "postgresql://h/d?prepared_statement_cache_size=0&sslmode=require&sslrootcert=/ca"
    )
    assert found.options == {"sslmode": "require", "sslrootcert": "/ca"}


def test_ssl_of_asyncpg_is_sslmode():
    """asyncpg's ?ssl=require is what libpq calls sslmode."""
    assert parse_connection("postgresql+asyncpg://h/d?ssl=require").options == {"sslmode": "require"}


def test_password_is_not_shown():
    """Neither the connection string nor the representation holds the password."""
    found = parse_connection("postgresql://u:canary@h/d?password=canary")
    assert "canary" not in found.conninfo() + repr(found)


def test_conninfo_quotes_hostile_names():
    """Quotes, backslashes and words of libpq's own in a name stay a name."""
    found = parse_connection("postgresql://u@h/x")
    assert "dbname='a\\' host=\\'evil\\\\'" in found.conninfo("a' host='evil\\")


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]", ""])
def test_loopback_is_local(host: str):
    """Loopback and Unix sockets stay on this machine."""
    assert parse_connection(f"postgresql://{host}/d").is_local


def test_network_host_is_not_local():
    """One host of a list that is elsewhere makes the connection one over the network."""
    assert not parse_connection("postgresql://localhost,db.example/d").is_local


@pytest.mark.parametrize(
    "url", ["mysql://u:canary@h/d", "sqlite:///canary.db", "canary", "postgresql:canary"]
)
def test_other_urls_are_refused_without_repeating_them(url: str):
    """An URL of something else is refused, and the error does not repeat what may be a password."""
    with pytest.raises(SettingsError) as refused:
        parse_connection(url)
    assert "canary" not in str(refused.value)


def test_database_is_the_users_when_none_is_named():
    """As with libpq, the database is called like the user where none is named; one of them must be."""
    assert parse_connection("postgresql://clerk@h").database == "clerk"
    with pytest.raises(SettingsError, match="names no database"):
        parse_connection("postgresql://h")


@given(user=st.text(min_size=1), password=st.text(min_size=1), database=st.text(min_size=1))
def test_agrees_with_sqlalchemy(user: str, password: str, database: str):
    """Whatever the application's driver is told by an URL, pg_dump is told the same."""
    url = make_url("postgresql+psycopg2://h:5432").set(username=user, password=password, database=database)
    found = parse_connection(url.render_as_string(hide_password=False))
    assert (found.user, found.password, found.database) == (user, password, database)
