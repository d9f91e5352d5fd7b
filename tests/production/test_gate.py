"""The gate before a real server: the operator's plain curl passes, and nobody and nothing else does."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from fastapi import Depends, FastAPI, Request

from app.production.gate import admitted, decision_of
from app.production.settings import AccessSettings
from tests.production.guarded import (
    OPERATE_TOKEN,
    READ_TOKEN,
    STRANGER,
    Guarded,
    Server,
    answer,
    as_root,
    need,
    request,
    skip_where_we_look_like_a_proxy,
)

PAGE = ("Accept: text/html,*/*",)
BEARER = f"Authorization: Bearer {READ_TOKEN}"
OPERATOR = f"Authorization: Bearer {OPERATE_TOKEN}"


@pytest.fixture(scope="module", params=["h11", "httptools"])
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    """A server with the defaults of uvicorn, on IPv4 loopback."""
    skip_where_we_look_like_a_proxy()
    with Server(http=request.param) as server:
        yield server


@pytest.fixture
def fresh() -> Iterator[Server]:
    """A server to which no wrong token has come yet."""
    with Server() as server:
        yield server


def test_a_plain_request_of_our_own_user_passes(server):
    """Reading and acting, with nothing configured."""
    assert server.ask().body == "inside"
    assert server.ask("POST /production/x", "Content-Length: 0").body == "inside"
    assert server.last.identity == f"uid:{os.geteuid()}"


def test_the_usual_programs_pass_with_the_headers_they_send(server, tmp_path):
    """curl, wget, urllib and httpx need no option to be let in."""
    need("curl", "wget")
    url = f"http://127.0.0.1:{server.port}/production/x"
    for command in (
        ["curl", "-s", "--noproxy", "*", url],
        [
            "curl",
            "-s",
            "--noproxy",
            "*",
            "-X",
            "POST",
            "-H",
            "Content-Type: application/json",
            "-d",
            "{}",
            url,
        ],
        ["wget", "-q", "--no-proxy", "-O", "-", url],
    ):
        assert subprocess.run(command, capture_output=True, check=True, cwd=tmp_path).stdout == b"inside"
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url) as got:
        assert got.read() == b"inside"
    with httpx.Client(trust_env=False) as client:
        assert client.post(url, json={}).text == "inside"


@as_root
@pytest.mark.parametrize("uid", [STRANGER, 65534])
def test_a_real_curl_of_another_user_is_refused(server, uid):
    """The very same command as another user gets 401, and a token lets it in."""
    need("curl")
    curl = ["curl", "-s", "--noproxy", "*", f"http://localhost:{server.port}/production/x", "-H"]

    def said(header: str) -> bytes:
        command = [*curl, header]
        return subprocess.check_output(command, user=uid, group=uid, extra_groups=[], cwd="/")

    assert b"401" in said("Accept: */*")
    assert server.last.identity == f"uid:{uid}"
    assert said(BEARER) == b"inside"


@as_root
def test_an_allowed_user_passes():
    """A configured uid is an operator too."""
    settings = AccessSettings.model_validate({"allowed_uids": str(STRANGER)})
    with Server(Guarded(settings=settings)) as server:
        assert server.ask(owner=STRANGER).status == 200
        assert server.ask(owner=STRANGER + 1).status == 401


@pytest.mark.parametrize("host", ["::1", "::"])
def test_the_operator_passes_over_ipv6(host):
    """On ::1, and on [::] where an IPv4 client is seen as ::ffff:127.0.0.1."""
    if not Path("/proc/net/if_inet6").exists():
        pytest.skip("no IPv6 here")
    skip_where_we_look_like_a_proxy()
    with Server(host=host) as server:
        assert server.ask(to="::1").status == 200
        assert server.ask("GET /production/x", f"Host: [::1]:{server.port}", to="::1").status == 200


def test_a_forged_client_address_is_refused(server):
    """uvicorn believes X-Forwarded-For, port included; that it is there is enough to be refused."""
    with server.connect() as real:
        forged = f"127.0.0.1:{real.getsockname()[1]}"
        for header in (
            f"X-Forwarded-For: {forged}",
            f"x_forwarded_for: {forged}",
            "X-Forwarded-Proto: https",
        ):
            refused = server.ask("GET /production/x", header)
            assert refused.status == 401
            assert "inside" not in refused.body


def test_the_forged_address_reaches_the_gate():
    """The test above is not passed by luck: without the rule on headers the forgery would be believed."""
    seen = []

    async def look(scope, receive, send):
        seen.append(scope["client"])
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body"})

    with Server(Guarded(look)) as server:
        server.ask("GET /elsewhere", "X-Forwarded-For: 127.0.0.1:22")
    assert seen == [("127.0.0.1", 22)]


@pytest.mark.parametrize(
    "headers",
    [
        ("Host: evil.example",), ("Host: localhost", "Host: localhost"), ("Cookie: a=b",),
        ("Host: localhost", "Host: evil.example"), ("Origin: http://localhost",), ("Accept-Language: pt",),
        ("Sec-Fetch-Site: same-origin",), ("Forwarded: for=127.0.0.1",), ("Via: 1.1 nginx",),
    ],
)  # fmt: skip
def test_a_browsers_or_a_proxys_request_is_refused(server, headers):
    """Also as root, because root did not mean it. A server may refuse two Hosts before we do."""
    with server.connect() as connection, connection.makefile("rb") as stream:
        connection.sendall(server.plain("GET /production/x", "Connection: close", *headers))
        assert stream.readline().split()[1] in (b"400", b"401")
        assert b"inside" not in stream.read()


def test_a_refusal_says_what_to_do(server):
    """Problem details, uncached, with the reason and the command that will do."""
    refused = server.ask("GET /production/x", "Host: evil.example")
    problem = json.loads(refused.body)
    assert refused.headers["content-type"] == "application/problem+json"
    assert refused.headers["www-authenticate"] == 'Bearer realm="atalaia"'
    assert refused.headers["cache-control"] == "no-store"
    assert (problem["type"], problem["title"], problem["status"]) == ("about:blank", "Unauthorized", 401)
    assert problem["detail"].startswith(
        "Host is not localhost, 127.0.0.1 or [::1]. With a token: curl -H 'Auth"
    )


def test_a_refusal_to_head_has_no_body(server):
    """The connection stays in step."""
    with server.connect() as connection, connection.makefile("rb") as stream:
        connection.sendall(server.plain("HEAD /production/x", "X-Y: 1") + server.plain("GET /production/x"))
        assert b"401" in stream.readline()
        assert b"inside" not in stream.read(1) + b"".join(iter(stream.readline, b"\r\n"))
        assert answer(stream).body == "inside"


def test_tokens_open_by_their_role(server):
    """Wherever they come from and whatever else is sent."""
    assert (
        server.ask("GET /production/x", BEARER, "Host: evil.example", "X-Forwarded-For: 192.0.2.1").status
        == 200
    )
    assert server.ask("POST /production/x", BEARER, "Content-Length: 0").status == 403
    assert server.ask("POST /production/x", OPERATOR, "Content-Length: 0").status == 200


def test_guessing_is_slowed_down(fresh):
    """Five wrong tokens, then 429 with Retry-After; the right one passes all the same."""
    wrong = "Authorization: Bearer wrong"
    assert [fresh.ask("GET /production/x", wrong).status for _ in range(5)] == [401] * 5
    waits = fresh.ask("GET /production/x", wrong)
    assert waits.status == 429
    assert 1 <= int(waits.headers["retry-after"]) <= 60
    assert fresh.ask("GET /production/x", BEARER).status == 200


@as_root
@pytest.mark.parametrize("ending", ["close", "reset", "half"])
def test_send_and_go_gains_nothing(fresh, ending):
    """A stranger's POST whose connection has gone when it is read is refused: the dead have uid 0."""
    with fresh.connect(owner=STRANGER) as connection:
        connection.sendall(fresh.plain("POST /production/x", "Content-Length: 0"))
        if ending == "half":
            connection.shutdown(socket.SHUT_WR)
        elif ending == "reset":
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            connection.close()
    fresh.ask()
    assert [one.allowed for one in fresh.guarded.decisions[:-1]] in ([], [False])


def test_a_forged_client_address_does_not_hide_who_guesses(fresh):
    """Wrong tokens count against the other end of the connection, whatever X-Forwarded-For says."""
    wrong = "Authorization: Bearer wrong"
    asked = [fresh.ask("GET /production/x", wrong, f"X-Forwarded-For: 192.0.2.{n}") for n in range(6)]
    assert [one.status for one in asked] == [401] * 5 + [429]


@as_root
def test_each_request_of_a_pipeline_is_decided_on_its_own(server):
    """The second request of a connection is refused on its own headers, and a stranger's all alike."""
    with server.connect() as connection, connection.makefile("rb") as stream:
        connection.sendall(server.plain() + server.plain("GET /production/x", "Via: x") + server.plain())
        assert [answer(stream).status for _ in range(3)] == [200, 401, 200]
    with server.connect(owner=STRANGER) as connection, connection.makefile("rb") as stream:
        connection.sendall(
            server.plain("GET /elsewhere") + server.plain() + server.plain("GET /production/x", BEARER)
        )
        assert [answer(stream).status for _ in range(3)] == [200, 401, 200]


def test_a_connection_that_changes_hands_is_asked_about_again(server):
    """The owner is looked up for each request and not for each connection."""
    if os.geteuid() != 0:
        pytest.skip("only root can give a socket away")
    with server.connect() as connection, connection.makefile("rb") as stream:
        connection.sendall(server.plain())
        assert answer(stream).status == 200
        os.fchown(connection.fileno(), STRANGER, STRANGER)
        connection.sendall(server.plain())
        assert answer(stream).status == 401


@pytest.mark.parametrize(
    "target",
    [
        "/production", "//production/x", "/./production/x", "/a/../production/x", "/production/../x",
        "/PRODUCTION/x", "/%70roduction/x", "/%2fproduction/x", "/%252fproduction", "/production%2fx",
        "/production./x", "/\\production", "/production/logout",
        "/production;/../production/x", "/production/health/live/", "/production/health//live",
        "/production/health/live/../../x", "/production/health/LIVE", "/production/health/live%2f..%2f..%2fx",
        "/production/login/../x", "/production/login/x", "/production/x?/production/health/live",
        "/production/x?x=/../../health/live",
    ],
)  # fmt: skip
def test_no_spelling_of_a_path_leads_around_the_gate(server, target):
    """Whatever the client writes, as the server hands it on."""
    refused = server.ask(f"GET {target}", "Host: evil.example")
    assert refused.status == 401


@pytest.mark.parametrize(
    ("method", "path", "is_open"),
    [
        ("GET", "/", True), ("GET", "/x/production", True), ("GET", "/productions", True),
        ("GET", "/production/health/live", True), ("HEAD", "/production/health/ready", True),
        ("GET", "/production/login", True), ("POST", "/production/login", True),
        ("POST", "/production/health/live", False), ("DELETE", "/production/login", False),
        ("GET", "/production/health", False), ("GET", "/production", False),
        ("GET", "/production/logout", False), ("POST", "/production/logout", False),
    ],
)  # fmt: skip
def test_only_the_probes_and_the_login_are_open(method, path, is_open):
    """Probes to look, the login to look and to send, and what is the host's own; nothing is said of them."""
    guarded = Guarded()
    assert guarded.status(path, method) == (200 if is_open else 401)
    assert len(guarded.decisions) == (not is_open)


@pytest.mark.parametrize(
    ("path", "status"), [("/shop/production/x", 401), ("/shop/production/health/live", 200), ("/shop/x", 200)]
)
def test_a_mounted_application_is_guarded(path, status):
    """Below a root path the gate stands in the same places."""
    assert Guarded().status(path, root_path="/shop") == status


def test_a_websocket_is_closed_before_it_is_accepted():
    """Below our paths without credentials; the host's own are not touched."""
    guarded = Guarded()
    assert guarded.status("/production/live", type="websocket", method=None) == 1008
    assert guarded.status("/live", type="websocket", method=None) == 200


def test_the_lifespan_passes():
    """The host starts and stops as ever."""
    assert Guarded().status("", type="lifespan") == 200


@pytest.mark.parametrize(("place", "login"), [("/production/", "login"), ("/production", "production/login")])
@pytest.mark.parametrize("root_path", ["", "/shop"])
def test_the_page_sends_a_browser_to_the_login(place, login, root_path):
    """Relative, so that it is right below any mount and behind any proxy, and leads to no other host."""
    status, headers = Guarded().ask(root_path + place, "GET", *PAGE, root_path=root_path)
    assert (status, headers["location"]) == (303, login)


@pytest.mark.parametrize(
    "asked",
    [
        ("/production/x", "GET", *PAGE),
        ("/production/", "POST", *PAGE),
        ("/production/", "GET", "Accept: */*"),
    ],
)
def test_all_else_is_told_the_problem(asked):
    """Only a browser that wants to see the page is sent elsewhere."""
    assert Guarded().status(*asked) == 401


def test_a_link_from_elsewhere_comes_again_with_its_cookie():
    """SameSite=Strict withholds the cookie from a link in an alert; our own page asks once more, with it."""
    guarded = Guarded()
    status, headers = guarded.ask("/production/", "GET", *PAGE, "Sec-Fetch-Site: cross-site")
    assert (status, headers["content-type"]) == (401, "text/html")
    assert guarded.status("/production/", "GET", *PAGE, "Sec-Fetch-Site: same-origin") == 303


def login(*headers: str) -> dict:
    """What a browser sends from the login page."""
    return request("POST", "/production/login", "Host: app.example", *headers)


def test_a_login_opens_a_session_of_its_role(clock):
    """The cookie opens what the token would, until it ends."""
    guarded = Guarded(clock=clock)
    decision = guarded.gate.log_in(login("Origin: http://app.example"), READ_TOKEN)
    cookie = guarded.gate.session_cookie(login(), decision.role).partition(";")[0]
    assert guarded.status("/production/x", "GET", f"Cookie: {cookie}") == 200
    assert guarded.status("/production/x", "POST", f"Cookie: {cookie}", "Sec-Fetch-Site: same-origin") == 403
    clock.advance(hours=12)
    assert guarded.status("/production/x", "GET", f"Cookie: {cookie}") == 401


def test_whoever_is_on_our_own_page_may_log_out():
    """It needs no role, so that also a session that only looks can be ended; other pages cannot end it."""
    same = "Sec-Fetch-Site: same-origin"
    assert Guarded().status("/production/logout", "POST", same) == 200
    assert Guarded().status("/production/logout", "GET", same) == 401
    assert Guarded().status("/production/logout", "POST", "Sec-Fetch-Site: cross-site") == 401


def test_a_login_from_another_page_is_refused():
    """Nobody is logged in by somebody else's page."""
    decision = Guarded().gate.log_in(login("Origin: http://evil.example"), READ_TOKEN)
    assert (decision.status, decision.reason) == (403, "the login counts only on our own page")


def test_wrong_logins_count_as_wrong_tokens():
    """Whichever way somebody guesses, and each is told to the log."""
    guarded = Guarded()
    logins = [guarded.gate.log_in(login("Origin: http://app.example"), "wrong").status for _ in range(6)]
    assert logins == [401] * 5 + [429]
    assert guarded.status("/production/x", "GET", "Authorization: Bearer wrong") == 429
    assert len(guarded.decisions) == 7


@pytest.mark.parametrize("https", [{"scheme": "https"}, {"headers": [(b"x-forwarded-proto", b"https")]}])
def test_over_https_the_cookie_is_for_https_only(https):
    """Also where a proxy ends TLS."""
    cookie = Guarded().gate.session_cookie({**login(), **https}, None)
    assert cookie.startswith("__Host-atalaia_session=; ")
    assert cookie.endswith("; Secure")


def test_a_log_that_fails_changes_no_decision():
    """Whoever is told of decisions cannot open or close the gate by failing."""

    def fail(*_):
        raise ZeroDivisionError

    guarded = Guarded()
    guarded.gate._on_decision = fail
    assert guarded.status("/production/x") == 401
    assert guarded.status("/production/x", "GET", BEARER) == 200


def routed() -> FastAPI:
    """An application with one route of ours that says who is asking."""
    app = FastAPI(dependencies=[Depends(admitted)])

    @app.get("/production/x")
    def who(request: Request) -> str:
        decision = decision_of(request.scope)
        return decision.identity if decision else ""

    return app


def test_a_route_knows_who_is_asking():
    """The decision is in the scope."""
    assert Guarded(routed()).status("/production/x", "GET", BEARER, query_string=b"") == 200


def test_a_path_that_is_rewritten_behind_the_gate_is_closed():
    """A middleware that makes ours of a path which was not: the dependency of our routers refuses."""

    def rewriting(app):
        async def rewrite(scope, receive, send):
            await app({**scope, "path": "/production/x"}, receive, send)

        return rewrite

    assert Guarded(rewriting(routed())).status("/elsewhere", query_string=b"") == 401
