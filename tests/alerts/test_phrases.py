"""A reader of Portuguese is told in Portuguese what went wrong and what to do about it."""

from __future__ import annotations

import pytest

from app.alerts.headings import details_of
from app.alerts.phrases import in_portuguese
from app.backup.complaints import complaint


def test_a_reason_is_said_in_portuguese() -> None:
    """Its values stay, and so does what is not known: the words of a server are its own."""
    assert in_portuguese("no answer within 2.5 s") == "nenhuma resposta em 2.5 s"
    assert in_portuguese("external.openai: answered 503") == "external.openai: respondeu 503"
    assert in_portuguese(r"FATAL: no such thing \1 {0}") == r"FATAL: no such thing \1 {0}"


@pytest.mark.parametrize(
    "said",
    [
        "FATAL: password authentication failed for user",
        "Connection refused",
        'FATAL: database "x" does not exist',
        "query would be affected by row-level security policy",
        "canceling statement due to lock timeout",
        "server version mismatch",
        "permission denied for table x",
        "could not extend file: No space left on device",
    ],
)
def test_what_to_do_about_a_failed_dump_is_said_in_portuguese(said: str) -> None:
    """The hints that an operator gets at night are those of the most usual failures."""
    error = complaint("pg_dump", f"pg_dump: error: {said}", 1)
    assert error.hint
    assert in_portuguese(error.hint) != error.hint


def test_a_message_of_an_alert_quotes_its_reason_in_portuguese() -> None:
    """As one sentence after the other, not half in English."""
    message = "pg_dump failed: Connection refused (while dumping)."
    said = details_of("backup_failed", {}, message, "pt-BR")
    assert said == "Nenhum backup foi feito. O motivo: pg_dump falhou: Connection refused (durante o dump)."
    assert details_of("backup_failed", {}, message, "en") == message


def test_values_are_kept_in_what_is_translated() -> None:
    """A path, a version or a number stands in the Portuguese as it stood in the English."""
    assert in_portuguese("there was no room for it: /srv/drill got full") == "não coube: /srv/drill encheu"
