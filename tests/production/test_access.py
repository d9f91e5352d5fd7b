"""Every refusal has its reason, and only what passes all of the steps is the operator's."""

from __future__ import annotations

import os

import pytest

from app.production.access import Decision, decide
from app.production.attempts import FailedAttempts
from app.production.peer import Peer
from app.production.session import issue
from app.production.tokens import Role
from tests.production.guarded import (
    OPERATE_ENTRY,
    OPERATE_TOKEN,
    READ_ENTRY,
    READ_TOKEN,
    STRANGER,
)

ENTRIES = (READ_ENTRY, OPERATE_ENTRY)
HERE, US = ("127.0.0.1", 40_000), ("127.0.0.1", 8_000)
PLAIN = {"host": "localhost:8000", "user-agent": "curl/8", "accept": "*/*"}


class Door:
    """Decides on requests that differ in one thing from the operator's plain curl."""

    def __init__(self, clock) -> None:
        self.clock = clock
        self.failures = FailedAttempts()
        self.peer: Peer | None = Peer(uid=0, inode=7)
        self.doubt: str | None = None
        self.source = "127.0.0.1"
        self.is_silent = False
        self.asked: list[object] = []
        self.name: tuple[str, int] | None = HERE

    def look_up(self, *ends: object) -> Peer | None:
        self.asked.append(ends)
        if self.is_silent:
            raise PermissionError
        return self.peer

    def ask(self, method: str = "GET", *more: tuple[str, str], drop: str = "", uids=(), **scope) -> Decision:
        sent = [(k, v) for k, v in PLAIN.items() if k != drop] + list(more)
        headers = [(k.encode(), v.encode("latin-1")) for k, v in sent]
        return decide(
            {"type": "http", "method": method, "headers": headers, "client": HERE, "server": US, **scope},
            entries=ENTRIES,
            failures=self.failures,
            now=self.clock.now(),
            source=self.source,
            peer_name=lambda: self.name,
            allowed_uids=uids,
            peer_lookup=self.look_up,
            doubt_lookup=lambda *_: self.doubt,
        )

    def bring(self, token: str, method: str = "GET", **scope) -> Decision:
        return self.ask(method, ("authorization", f"Bearer {token}"), **scope)

    def visit(self, role: Role = Role.OPERATE, method: str = "GET", *more: tuple[str, str]) -> Decision:
        cookie = issue(ENTRIES, role, self.clock.now())
        return self.ask(method, ("cookie", f"atalaia_session={cookie}"), *more)


@pytest.fixture
def door(clock) -> Door:
    """A door that the operator stands before."""
    return Door(clock)


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "DELETE"])
def test_the_operator_may_do_everything(door, method):
    """Root with a plain request looks and acts."""
    decision = door.ask(method)
    assert decision.allowed
    assert (decision.identity, decision.role) == ("uid:0", Role.OPERATE)


def test_curl_may_ask_before_it_sends_a_large_body(door):
    """`Expect: 100-continue`, which curl adds by itself above 1 MB, does not make a request less plain."""
    assert door.ask("POST", ("expect", "100-continue")).allowed


@pytest.mark.parametrize(
    "host", ["localhost", "LocalHost:8000", "127.0.0.1", "127.0.0.1:1", "[::1]", "[::1]:8000"]
)
def test_each_name_of_this_machine_will_do(door, host):
    """With and without a port."""
    assert door.ask("GET", ("host", host), drop="host").allowed


@pytest.mark.parametrize(
    "name",
    [
        "x-forwarded-for", "forwarded", "via", "x-real-ip", "cf-connecting-ip", "tailscale-user-login",
        "origin", "referer", "sec-fetch-site", "accept-language", "cookie", "authorization", "te",
        "transfer-encoding", "upgrade", "x-", "_host", "host ", "",
    ],
)  # fmt: skip
def test_a_header_that_no_bare_client_sends_needs_credentials(door, name):
    """Whatever a proxy or a browser adds is refused by not being known, before the kernel is asked."""
    decision = door.ask("GET", (name, "x"))
    assert decision.status == 401
    assert not door.asked


def test_the_refused_header_is_named_without_its_control_characters(door):
    """The reason names the header, cut and escaped, as it goes into logs and answers."""
    decision = door.ask("GET", ("x-\x1b[31m\xe9" + "y" * 500, "x"))
    assert decision.reason.startswith("the header 'x-\\x1b[31m\\xc3\\xa9yyy")
    assert len(decision.reason) < 120


@pytest.mark.parametrize(
    "host",
    ["", "evil.example", "localhost.evil.example", "localhost.", "127.0.0.1.nip.io", "127.1", "0.0.0.0",
     "::1", "[::1", "localhost:", "localhost:x", "localhost:8000\n", "localhost, localhost", " localhost",
     "user@localhost", "localhost:123456"],
)  # fmt: skip
def test_another_host_needs_credentials(door, host):
    """DNS rebinding and proxies name another host."""
    assert door.ask("GET", ("host", host), drop="host").reason == "Host is not localhost, 127.0.0.1 or [::1]"


def test_one_host_is_neither_none_nor_two(door):
    """HTTP/1.0 without a Host and a Host that was smuggled in are refused alike."""
    assert door.ask("GET", drop="host").status == 401
    assert door.ask("GET", ("host", "localhost")).status == 401


@pytest.mark.parametrize(
    "ends",
    [
        {"client": None}, {"server": None}, {"client": ("192.0.2.1", 5)}, {"server": ("192.0.2.1", 8000)},
        {"client": ("127.0.0.1", 0)}, {"server": ("127.0.0.1", 0)}, {"server": ("/run/app.sock", None)},
        {"client": ("localhost", 5)}, {"client": ("", 5)}, {"client": ("0.0.0.0", 5)}, {"client": ("::", 5)},
        {"client": ("127.0.0.1", None)}, {"client": ("127.0.0.1", 99_999)}, {"client": ("127.0.0.1", -1)},
        {"client": ("::ffff:192.0.2.1", 5)}, {"client": ("testclient", 50_000)},
    ],
)  # fmt: skip
def test_a_connection_that_is_not_over_loopback_needs_credentials(door, ends):
    """Also over a Unix socket, whose file uvicorn opens to everybody."""
    assert door.ask(**ends).reason == "the connection is not over loopback"
    assert not door.asked


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.9.10", "::1", "::ffff:127.0.0.1"])
def test_every_loopback_address_will_do(door, host):
    """In IPv4, IPv6, and IPv4 in IPv6."""
    door.name = (host, 40_000)
    assert door.ask(client=door.name, server=(host, 8_000)).allowed


def test_a_client_that_the_kernel_does_not_know_needs_credentials(door):
    """Closed, forged or in another network namespace."""
    door.peer = None
    assert door.ask().reason == "the connection has gone or is out of sight"


@pytest.mark.parametrize("name", [None, ("127.0.0.1", 40_001), ("127.0.0.2", 40_000), ("192.0.2.1", 40_000)])
def test_a_connection_that_is_not_there_any_more_needs_credentials(door, name):
    """The kernel's answer may be about somebody who got the client's port after it had gone."""
    door.name = name
    assert door.ask().reason == "the connection has gone or is out of sight"


def test_a_kernel_that_does_not_answer_lets_nobody_in(door):
    """A failed look-up is a refusal and not an error."""
    door.is_silent = True
    assert door.ask().reason == "the kernel does not say who is asking"


def test_another_user_needs_credentials(door):
    """The refusal says who it was."""
    door.peer = Peer(STRANGER, 7)
    decision = door.ask()
    assert (decision.status, decision.identity, decision.role) == (401, f"uid:{STRANGER}", None)
    assert decision.reason == f"uid {STRANGER} is neither root nor the server's user"


def test_our_own_user_and_those_allowed_may(door):
    """As root."""
    door.peer = Peer(os.geteuid(), 7)
    assert door.ask().allowed
    door.peer = Peer(STRANGER, 7)
    assert door.ask(uids=[STRANGER]).allowed


def test_a_user_whom_our_namespace_does_not_know_is_nobodys_friend(door):
    """65534 stands for everybody unknown, so that it is not even allowed when it is configured."""
    door.peer = Peer(65534, 7)
    assert door.ask(uids=[65534]).status == 401


def test_a_possible_proxy_needs_credentials(door):
    """The doubt is the reason."""
    door.doubt = "the caller may be a proxy"
    assert (door.ask().status, door.ask().reason) == (401, "the caller may be a proxy")


def test_with_the_peer_check_off_root_needs_a_token(door, clock):
    """Nothing is looked up."""
    scope = {
        "type": "http",
        "method": "GET",
        "headers": [(b"host", b"localhost")],
        "client": HERE,
        "server": US,
    }
    asked = {
        "entries": ENTRIES,
        "failures": door.failures,
        "now": clock.now(),
        "source": "",
        "peer_name": tuple,
    }
    assert decide(scope, **asked, peer_lookup=None).reason == "plain requests are switched off"


@pytest.mark.parametrize(
    ("token", "method", "status"),
    [
        (READ_TOKEN, "GET", 200), (READ_TOKEN, "HEAD", 200), (READ_TOKEN, "POST", 403),
        (READ_TOKEN, "get", 403), (READ_TOKEN, "OPTIONS", 403),
        (OPERATE_TOKEN, "GET", 200), (OPERATE_TOKEN, "DELETE", 200),
        ("wrong", "GET", 401), ("wrong", "POST", 401), ("", "GET", 401),
    ],
)  # fmt: skip
def test_a_token_opens_what_its_role_may(door, token, method, status):
    """Read looks, operate acts, from anywhere."""
    assert door.bring(token, method, client=("192.0.2.1", 5)).status == status


def test_a_token_is_known_by_the_beginning_of_its_hash(door):
    """The identity tells which token it was, also where its role did not suffice."""
    assert door.bring(READ_TOKEN).identity == f"token-{READ_ENTRY.hash[:8]}"
    refused = door.bring(READ_TOKEN, "POST")
    assert (refused.identity, refused.reason) == (READ_ENTRY.name, "this needs the role operate")
    assert READ_TOKEN not in repr(refused)


@pytest.mark.parametrize(
    "authorization",
    [f"bearer {READ_TOKEN}", f"BEARER  {READ_TOKEN} "],
)
def test_the_scheme_is_read_as_http_has_it(door, authorization):
    """Whatever its case and the blanks around the token."""
    assert door.ask("GET", ("authorization", authorization)).allowed


@pytest.mark.parametrize(
    "authorization", [READ_TOKEN, f"Basic {READ_TOKEN}", f"Bearer\t{READ_TOKEN}", f"Bearer {READ_ENTRY.hash}"]
)
def test_no_other_scheme_brings_a_token(door, authorization):
    """Nor does the hash that is kept."""
    assert door.ask("GET", ("authorization", authorization)).status == 401


def test_two_tokens_are_none(door):
    """Because it could not be told which one a proxy has checked."""
    bearer = ("authorization", f"Bearer {READ_TOKEN}")
    assert door.ask("GET", bearer, bearer).status == 401


def test_after_five_wrong_tokens_in_a_minute_a_source_waits(door, clock):
    """429 says how long; a minute after the first failure it may try again."""
    assert [door.bring("wrong").status for _ in range(6)] == [401] * 5 + [429]
    assert door.bring("wrong").retry_after == 60
    door.source = "192.0.2.1"
    assert door.bring("wrong").status == 401
    door.source = "127.0.0.1"
    clock.advance(minutes=1)
    assert door.bring("wrong").status == 401


def test_a_right_token_never_waits(door):
    """Nobody who shares an address with the operators, as behind a proxy, can lock them out."""
    for _ in range(9):
        door.bring("wrong")
    assert door.bring(READ_TOKEN).allowed


def test_what_is_no_token_is_no_wrong_token(door):
    """Neither a plain refusal nor an old session counts as guessing."""
    for _ in range(9):
        door.ask("GET", ("x-forwarded-for", "x"))
        door.ask("GET", ("cookie", "atalaia_session=old"))
        door.ask("GET", ("authorization", "Basic x"))
    assert door.bring("wrong").status == 401


def test_a_session_looks_and_on_our_own_page_acts(door):
    """Reading needs the cookie only; acting needs the browser's word that the page is ours."""
    same, other = ("sec-fetch-site", "same-origin"), ("sec-fetch-site", "same-site")
    assert door.visit().identity == "session"
    assert door.visit(Role.OPERATE, "POST", same).allowed
    refused = door.visit(Role.OPERATE, "POST", other)
    assert (refused.status, refused.reason) == (403, "the session counts only on our own pages")
    assert door.visit(Role.OPERATE, "POST").status == 403
    assert door.visit(Role.READ, "POST", same).reason == "this needs the role operate"


def test_an_old_session_needs_a_new_login(door, clock):
    """Twelve hours later it has ended."""
    cookie = issue(ENTRIES, Role.READ, clock.now())
    clock.advance(hours=12)
    decision = door.ask("GET", ("cookie", f"atalaia_session={cookie}"))
    assert (decision.status, decision.reason) == (401, "the session has ended")


def test_a_wrong_token_is_not_saved_by_a_session(door):
    """Who brings a bearer token is judged by it."""
    cookie = ("cookie", f"atalaia_session={issue(ENTRIES, Role.READ, door.clock.now())}")
    assert door.ask("GET", ("authorization", "Bearer wrong"), cookie).status == 401
    assert door.ask("GET", ("authorization", "Basic proxy"), cookie).allowed


def test_a_websocket_counts_as_acting(door):
    """It has no method, so that a session needs our own page and a token the role operate."""
    assert door.bring(READ_TOKEN, None, type="websocket").status == 403
    assert door.bring(OPERATE_TOKEN, None, type="websocket").allowed
