"""One HTTP exchange."""

from __future__ import annotations

import urllib.request
from contextlib import suppress

import pytest

from app.alerts.channels.http import Answer, exchange, refusal
from app.core.errors import DeliveryFailed
from tests.alerts.servers import HttpServer, Script, answer, silent


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("7", 7),
        ("0", 0),
        ("999999999", 86_400),
        ("-1", None),
        ("soon", None),
        ("1e9", None),
        ("", None),
        ("²", None),
    ],
)
def test_retry_after_is_a_bounded_number_of_seconds(header: str, seconds: float | None) -> None:
    """Whatever a server writes into it."""
    assert Answer(429, {"retry-after": header}, "").retry_after == seconds


@pytest.mark.parametrize(
    ("header", "date", "seconds"),
    [
        ("Mon, 23 Nov 2026 12:01:30 GMT", "Mon, 23 Nov 2026 12:00:00 GMT", 90),
        ("Mon, 23 Nov 2026 11:59:00 GMT", "Mon, 23 Nov 2026 12:00:00 GMT", 0),
        ("Fri, 31 Dec 2100 23:59:59 GMT", "Mon, 23 Nov 2026 12:00:00 GMT", 86_400),
        ("Mon, 01 Jan 2001 00:00:00 GMT", "", 0),
        ("Mon, 99 Nov 2026 12:00:00 GMT", "", None),
    ],
)
def test_retry_after_may_be_a_date(header: str, date: str, seconds: float | None) -> None:
    """By the clock of whom it comes from."""
    assert Answer(429, {"retry-after": header, "date": date}, "").retry_after == seconds


@pytest.mark.parametrize(("script", "is_uncertain"), [(silent, False), (lambda _: None, True)])
def test_what_was_sent_without_an_answer_may_have_arrived(script: Script, is_uncertain: bool) -> None:
    """Unlike what never got out: here a TLS handshake with who says nothing."""
    server = HttpServer(script)
    url = server.url if is_uncertain else server.url.replace("http:", "https:")
    with pytest.raises(DeliveryFailed) as caught:
        exchange("X", urllib.request.Request(url, data=b"{}"), 0.5)
    server.close()
    assert caught.value.uncertain is is_uncertain


def test_what_took_too_long_to_be_answered_may_have_arrived() -> None:
    """The whole request was read, and then there was nothing."""
    server = HttpServer(silent)
    with pytest.raises(DeliveryFailed) as caught:
        exchange("X", urllib.request.Request(server.url, data=b"{}"), 0.5)
    server.close()
    assert caught.value.uncertain


def test_refused_connection_is_certain() -> None:
    """Nothing was said to anybody."""
    server = HttpServer(silent)
    server.close()
    with pytest.raises(DeliveryFailed) as caught:
        exchange("X", urllib.request.Request(server.url), 0.5)
    assert not caught.value.uncertain


@pytest.mark.parametrize(
    ("status", "permanent"), [(301, True), (400, True), (404, True), (408, False), (429, False), (503, False)]
)
def test_status_says_whether_to_try_again(status: int, permanent: bool) -> None:
    """Refused for what it is, or for now."""
    assert refusal("X", Answer(status, {}, "")).permanent is permanent


def test_long_answer_is_cut() -> None:
    """64 KiB are enough to read an error."""
    server = HttpServer(answer(200, "x" * 1_000_000))
    got = exchange("X", urllib.request.Request(server.url))
    server.close()
    assert len(got.body) == 65_536


@pytest.mark.parametrize("said", [b"", b"nonsense\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"])
def test_answer_that_breaks_off_is_a_failure_or_what_there_was(said: bytes) -> None:
    """Never another exception."""
    server = HttpServer(lambda connection: connection.sendall(said))
    with suppress(DeliveryFailed):
        exchange("X", urllib.request.Request(server.url))
    server.close()


def test_error_does_not_show_the_address() -> None:
    """It is a credential."""
    with pytest.raises(DeliveryFailed) as caught:
        exchange("X", urllib.request.Request("http://no-such-host.invalid/s3cr3t"))
    assert "s3cr3t" not in str(caught.value)
    assert "invalid" not in str(caught.value)
