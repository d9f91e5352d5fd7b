"""What programs complain about."""

from __future__ import annotations

import pytest

from app.backup.complaints import complaint, errors


def test_fact_is_what_the_program_said():
    """The fact names the program and its words, without its decoration."""
    said = complaint("pg_dump", "pg_dump: error: connection refused\n", 1)
    assert said.fact == "pg_dump failed: connection refused"


def test_silent_program_is_told_by_its_exit_code():
    """A program that says nothing is told by how it ended."""
    assert complaint("pg_dump", "", -9).fact == "pg_dump failed: exit code -9"


def test_errors_of_many_statements_are_told_apart():
    """Of what psql says while it goes on, each error of the server is told, fit for a terminal."""
    words = 'psql:<stdin>:2: ERROR:  no "a\x1b"\nHINT:  x\npsql:<stdin>:4: ERROR:  no b\n'
    assert errors(words) == ['no "a "', "no b"]


def test_servers_own_words_are_told():
    """Why a dump broke off stands in what pg_dump calls a detail."""
    words = """pg_dump: error: Dumping the contents of table "big" failed: PQgetResult() failed.
pg_dump: detail: Error message from server: ERROR:  canceling statement due to conflict with recovery
DETAIL:  User query might have needed to see row versions that must be removed.
pg_dump: detail: Command was: COPY public.big (i, t) TO stdout;"""
    said = complaint("pg_dump", words, 1)
    assert said.fact.endswith("failed.; canceling statement due to conflict with recovery")
    assert "hot_standby_feedback" in said.hint


@pytest.mark.parametrize("password", ["canary", "c%n/ry@:", "canário ☕"])
def test_password_is_scrubbed_in_every_spelling(password: str):
    """A password is not repeated, neither as it is nor percent-encoded."""
    from urllib.parse import quote

    said = complaint("psql", f"bad {password} and {quote(password, safe='')}", 2, secrets=[password])
    assert said.fact == "psql failed: bad *** and ***"


def test_control_characters_do_not_reach_a_terminal():
    """Escape sequences that stand in a message, in a table's name for instance, are taken out."""
    assert complaint("pg_dump", 'relation "\x1b[31m\x9bx\u202e" is missing', 1).fact.isprintable()


def test_long_complaints_are_cut():
    """A fact stays short enough to be read."""
    assert len(complaint("pg_dump", "word " * 9999, 1).fact) < 600


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        ('FATAL:  password authentication failed for user "x"', "user and password"),
        ("FATAL:  transaction blocks not allowed in statement pooling mode; server closed", "server itself"),
        ("Connection refused\n\tIs the server running?", "leads to it"),
        ("ERROR:  canceling statement due to lock timeout", "pg_stat_activity"),
        ("query would be affected by row-level security policy", "BYPASSRLS"),
        ("ERROR:  permission denied for table chats", "pg_read_all_data"),
        ("ERROR:  permission denied to create database", "CREATEDB"),
        ('ERROR:  extension "vector" is not available', "Install the extension"),
        ('unrecognized configuration parameter "transaction_timeout"', "PostgreSQL 17"),
        ('role "app" does not exist', "CREATE ROLE"),
    ],
)
def test_common_complaints_have_a_hint(words: str, hint: str):
    """For what goes wrong most there is a sentence that tells what to do."""
    assert hint in complaint("pg_dump", f"pg_dump: error: {words}", 1).hint
