"""What stands in the alerts journal."""

from __future__ import annotations

import hashlib

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.alerts.facts import (
    Acknowledged,
    Ended,
    Fact,
    Silenced,
    Unsilenced,
    decoded,
    fingerprint,
    observed,
    printable,
    printable_lines,
)
from app.core.signal import Severity

from .examples import NOON, a_signal, seen


@pytest.mark.parametrize(
    "fact",
    [
        seen(message="m", labels={"a": "b"}, value=1.5, threshold=2, expires_seconds=9, code="cpu_high"),
        Acknowledged(NOON, "id", "ana", "on it"),
        Ended(NOON, "id", "ana", "fixed"),
        Silenced(NOON, "s", {"key": "*"}, NOON, "ana", "deploy"),
        Unsilenced(NOON, "s", "ana"),
    ],
)
def test_fact_is_read_as_it_was_written(fact: Fact) -> None:
    """Through one JSON line."""
    assert decoded(msgspec.json.encode(fact)) == fact


@pytest.mark.parametrize(
    "line", [b"", b"{", b"[]", b'{"fact": "sung"}', b'{"fact": "ended", "at": "yesterday"}']
)
def test_line_that_is_no_fact_is_refused(line: bytes) -> None:
    """With one kind of error."""
    with pytest.raises(msgspec.MsgspecError):
        decoded(line)


def test_fingerprint_is_that_of_the_condition() -> None:
    """Neither severity nor title, message, value or labels make another alert of it."""
    changed = seen(severity=Severity.LOW, message="x", value=3, labels={"a": "b"})
    assert changed.fingerprint == seen().fingerprint == fingerprint("app", "BUSINESS", "Gateway refuses")
    assert changed.fingerprint == hashlib.sha256(b"app\0BUSINESS\0Gateway refuses").hexdigest()[:16]


def test_long_keys_that_differ_at_their_end_are_different() -> None:
    """Although only their beginning is shown."""
    first, second = seen(key="k" * 500 + "1"), seen(key="k" * 500 + "2")
    assert first.key == second.key
    assert first.fingerprint != second.fingerprint


def test_every_text_is_redacted() -> None:
    """Title, key, message and label values."""
    signal = a_signal(title="t 4111", key="k 4111", message="m 4111", labels={"a": "l 4111"})
    fact = observed(signal, NOON, lambda text: text.replace("4111", "***"))
    assert "4111" not in str(fact)


@given(st.text(st.characters(), max_size=400), st.integers(1, 300))
def test_printable_is_one_bounded_line_of_utf8(text: str, limit: int) -> None:
    """Whatever was given, surrogates and control characters included."""
    for noise in ("", "\ud800\x00\r\n\u202e"):
        shown = printable(noise + text, limit)
        shown.encode()
        assert len(shown) <= limit
        assert shown.isprintable() or not any(ord(sign) < 32 for sign in shown)


def test_lines_are_kept_in_messages() -> None:
    """And only they."""
    assert printable_lines("a\r\nb\rc\td\x1b[2Je", 100) == "a\nb\nc\td [2Je"


def test_titleless_signal_gets_a_title() -> None:
    """Because a subject must not be empty."""
    assert seen(title="\x00", key="k").title == "(no title)"
