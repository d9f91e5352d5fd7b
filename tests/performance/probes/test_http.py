from __future__ import annotations

import logging
import ssl
import threading
import time
from collections.abc import Iterator

import pytest
import trustme

from app.core.health import Level
from app.performance.model import Reading
from app.performance.probes import http
from app.performance.probes.http import HttpProbe

from ..listeners import Serve, answering, dripping, listener, silent, unused_port


def asked(serve: Serve, timeout: float = 5.0) -> Reading:
    with listener(serve) as port:
        return HttpProbe("service", f"http://127.0.0.1:{port}/key-4711?token=s3cret", timeout).sample()


def answer(status: str, *headers: str, body: bytes = b"") -> bytes:
    lines = [f"HTTP/1.1 {status}", f"content-length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


@pytest.mark.parametrize("status", ["200 OK", "401 Unauthorized", "404 Not Found", "429 Too Many Requests"])
def test_any_answer_below_500_is_reachable(status: str) -> None:
    """A service that refuses us is there."""
    reading = asked(answering(answer(status)))
    assert (reading.level, reading.details["http_status"]) == (Level.OK, int(status[:3]))
    assert reading.details["latency_ms"] > 0


def test_an_answer_from_500_on_is_not() -> None:
    """With the number as its reason."""
    reading = asked(answering(answer("503 Service Unavailable")))
    assert (reading.level, reading.reason) == (Level.DOWN, "answered 503")


def test_a_redirect_is_an_answer_and_is_not_followed() -> None:
    """Wherever it leads."""
    reading = asked(answering(answer("302 Found", f"location: http://127.0.0.1:{unused_port()}/")))
    assert (reading.level, reading.details["http_status"]) == (Level.OK, 302)


def test_a_refused_connection_says_so() -> None:
    """Nobody listens."""
    reading = HttpProbe("service", f"http://127.0.0.1:{unused_port()}/", 5).sample()
    assert (reading.level, reading.reason) == (Level.DOWN, "connection refused")


def test_a_name_that_nobody_knows_says_so() -> None:
    """RFC 2606 keeps .invalid for that."""
    reading = HttpProbe("service", "http://atalaia.invalid/", 5).sample()
    assert (reading.level, reading.reason) == (Level.DOWN, "its name is not known")


@pytest.mark.parametrize("head", [b"", b"HTTP/1.1 200 OK\r\nx-slow: "])
def test_a_server_that_drips_is_left_in_time(head: bytes) -> None:
    """The time-out is for everything together, and not for each byte."""
    ended, began = threading.Event(), time.monotonic()
    with listener(dripping(head, ended)) as port:
        reading = HttpProbe("service", f"http://127.0.0.1:{port}/", 0.3).sample()
        ended.set()
    assert (reading.level, reading.reason) == (Level.DOWN, "no answer within 0.3 s")
    assert time.monotonic() - began < 2


def test_a_server_that_says_nothing_is_left_in_time() -> None:
    """It accepted, and that was all."""
    assert asked(silent, timeout=0.3).reason == "no answer within 0.3 s"


def test_an_endless_body_is_not_read() -> None:
    """The head says all that is asked."""
    ended = threading.Event()
    with listener(dripping(b"HTTP/1.1 200 OK\r\n\r\n", ended)) as port:
        assert HttpProbe("service", f"http://127.0.0.1:{port}/", 5).sample().level is Level.OK
        ended.set()


def test_what_is_not_http_says_so() -> None:
    """Something else listens there."""
    assert asked(answering(b"220 mail.example ESMTP\r\n\r\n")).reason == "the answer was not HTTP"


def test_only_scheme_and_host_are_told() -> None:
    """Path and query may hold a key."""
    for reading in (asked(answering(answer("500 Oops"))), asked(silent, timeout=0.2)):
        assert reading.details["host"] == "http://127.0.0.1"
        assert "4711" not in str(reading)
        assert "s3cret" not in str(reading)


def test_nothing_of_the_url_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    """Neither by us nor by the package that asks."""
    with caplog.at_level(logging.INFO):
        asked(answering(answer("200 OK")))
    assert "4711" not in caplog.text
    assert "s3cret" not in caplog.text


@pytest.mark.parametrize(
    ("url", "host", "target"),
    [
        ("http://shop.example", b"shop.example", b"/"),
        ("http://ana:pw@shop.example:8080/a%20b?q=1#top", b"shop.example:8080", b"/a%20b?q=1"),
        ("http://münchen.example/ein weg?ü=1", b"xn--mnchen-3ya.example", b"/ein%20weg?%C3%BC=1"),
        ("http://[::1]:8080/", b"[::1]:8080", b"/"),
    ],
)
def test_a_url_goes_over_the_wire_in_ascii(url: str, host: bytes, target: bytes) -> None:
    """Without its password and what stands behind #."""
    address, named = http._parts(url)
    assert (named, address.target) == (host, target)


@pytest.mark.parametrize("url", ["", "http:///x", "http://a..b/", "http://h:99999/", "ftp://127.0.0.1/"])
def test_a_url_that_cannot_be_asked_says_so(url: str) -> None:
    """By the kind of mistake alone."""
    assert HttpProbe("service", url, 5).sample().reason.startswith("cannot be reached (")


@pytest.fixture
def authority() -> Iterator[trustme.CA]:
    """A certificate authority that this process trusts."""
    authority = trustme.CA()
    trust = http._trust()
    authority.configure_trust(trust)
    yield authority
    http._trust.cache_clear()


def secure(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    return context


def test_a_certificate_tells_the_days_it_has_left(authority: trustme.CA) -> None:
    """So that one sees it coming."""
    with listener(answering(answer("200 OK")), tls=secure(authority)) as port:
        reading = HttpProbe("service", f"https://127.0.0.1:{port}/", 5).sample()
    assert reading.level is Level.OK
    assert reading.details["certificate_days_left"] > 0


def test_a_certificate_that_nobody_trusts_is_not_reachable() -> None:
    """With its reason."""
    with listener(answering(answer("200 OK")), tls=secure(trustme.CA())) as port:
        reading = HttpProbe("service", f"https://127.0.0.1:{port}/", 5).sample()
    assert (reading.level, reading.reason) == (Level.DOWN, "its certificate is not valid")
