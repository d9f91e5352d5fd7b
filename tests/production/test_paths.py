"""However a path is spelled, what could lead below /production is ours and nothing else is."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette._utils import get_route_path

from app.production.paths import is_under, route_path


@pytest.mark.parametrize(
    "path",
    [
        "/production", "/production/", "/production/x", "//production/x", "/production//x", "///production",
        "/./production/x", "/x/../production/y", "/../production/x", "/production/../x",
        "/x/../../production", "/PRODUCTION/x", "/Production", "/production./x", "/production.../x",
        "/production /x", "/production\t/x",
        "\\production\\x", "/\\production", "/%70roduction/x", "/%2fproduction/x", "%2Fproduction/x",
        "/%252fproduction", "/x/%2e%2e/production", "/%2e/production", "production/x", "/production%2fx",
        "/%25252570roduction", "/%" + "25" * 9 + "70roduction", "/ production", "/production\0",
    ],
)  # fmt: skip
def test_every_spelling_of_our_paths_is_ours(path):
    """Slashes, dots, escapes, backslashes, case and blanks lead to the gate, not around it."""
    assert is_under("/production", path)


@pytest.mark.parametrize(
    "path",
    [
        "/", "", "/productions", "/production-lines/7", "/pro/duction", "/x/production", "/my/production/x",
        "/production;x", "/reproduction", "/100%", "/a%20b", "/%C3%A9", "/a%2Fb%2Fproduction", "/x/..",
    ],
)  # fmt: skip
def test_the_hosts_paths_are_its_own(path):
    """A path that Starlette would never route to us stays open, though it may hold our word."""
    assert not is_under("/production", path)


@pytest.mark.parametrize(
    ("path", "root_path"),
    [
        ("/shop/production/x", "/shop"), ("/shop//production", "/shop"), ("/shop/production", "/shop/"),
        ("/SHOP/production", "/shop"), ("/production/x", "/shop"), ("/production/production", "/production"),
        ("/production/x", "/production"), ("/a/b/production", "/a/b"), ("/shop/%2e/production", "/shop"),
    ],
)  # fmt: skip
def test_a_mounted_application_is_guarded_with_and_without_its_root_path(path, root_path):
    """Whether the server, a proxy or a mount has put the root path there or left it away."""
    assert is_under("/production", path, root_path)


def test_a_deeper_prefix_is_guarded_too():
    """A host that puts us below /api/production."""
    assert is_under("/api/production", "/api//production/x")
    assert not is_under("/api/production", "/api/productions")
    assert not is_under("/api/production", "/production")


@given(
    st.text(alphabet="/production%2fFeE.\\ 5", max_size=40),
    st.sampled_from(["", "/shop", "/production", "/p"]),
)
def test_whatever_starlette_routes_to_us_is_ours(path, root_path):
    """No path that the router strips to /production is let around the gate."""
    for whole in (path, "/production" + path, root_path + "/production/" + path):
        routed = get_route_path({"path": whole, "root_path": root_path})
        assert route_path(whole, root_path) == routed
        if routed == "/production" or routed.startswith("/production/"):
            assert is_under("/production", whole, root_path)


@pytest.mark.parametrize(
    "path", ["/" + "%25" * 20_000 + "2f", "/.." * 20_000 + "/production", "/production" * 6_000]
)
def test_no_path_takes_long(path):
    """Escapes within escapes and long walks are read in passing."""
    begun = time.thread_time()  # of this thread alone, because the machine may be busy
    is_under("/production", path)
    assert time.thread_time() - begun < 0.5
