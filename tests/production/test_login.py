"""A token opens the dashboard once, and a session keeps it open."""

from __future__ import annotations

from urllib.parse import urljoin

import pytest

from tests.production.served import OPERATOR, READER, Tower

LOGIN = "/production/login"
BROWSER = {"Accept": "text/html", "Sec-Fetch-Site": "same-origin"}


def cookie_of(tower: Tower, token: str = OPERATOR) -> dict[str, str]:
    """The headers of a browser that has logged in."""
    answer = tower.ask("POST", LOGIN, token=None, data={"token": token}, headers=BROWSER)
    assert (answer.status_code, answer.headers["location"]) == (303, "/production/")
    return {**BROWSER, "Cookie": answer.headers["set-cookie"].partition(";")[0]}


def test_a_stranger_is_led_to_the_login(tower: Tower) -> None:
    """Where a plain form asks for a token, in the stranger's language."""
    answer = tower.ask("GET", "/production/", token=None, headers={"Accept": "text/html"})
    assert answer.status_code == 303
    assert urljoin("http://tower/production/", answer.headers["location"]) == f"http://tower{LOGIN}"
    page = tower.ask("GET", LOGIN, token=None, headers={"Accept-Language": "pt"})
    assert 'action="/production/login"' in page.text
    assert "Entrar" in page.text


def test_a_right_token_opens_the_dashboard(tower: Tower) -> None:
    """With a cookie that no script sees and no other site sends."""
    headers = cookie_of(tower)
    page = tower.ask("GET", "/production/", token=None, headers=headers)
    assert page.status_code == 200
    assert 'action="/production/logout"' in page.text


def test_the_cookie_is_kept_from_scripts_and_other_sites(tower: Tower) -> None:
    """HttpOnly and SameSite, and over https for https only."""
    forwarded = {**BROWSER, "X-Forwarded-Proto": "https"}
    answer = tower.ask("POST", LOGIN, token=None, data={"token": OPERATOR}, headers=forwarded)
    for part in ("__Host-", "HttpOnly", "SameSite=Strict", "Secure"):
        assert part in answer.headers["set-cookie"]


@pytest.mark.parametrize("form", [{"token": "wrong"}, {"token": ""}, {}, {"user": "x"}])
def test_a_wrong_token_opens_nothing(tower: Tower, form: dict[str, str]) -> None:
    """The form is shown again with the reason, without the token."""
    answer = tower.ask("POST", LOGIN, token=None, data=form, headers=BROWSER)
    assert answer.status_code == 401
    assert "set-cookie" not in answer.headers
    assert 'role="alert"' in answer.text
    assert "wrong" not in answer.text


def test_who_guesses_has_to_wait(tower: Tower) -> None:
    """The wrong tokens of the login count like all others."""
    for _ in range(5):
        tower.ask("POST", LOGIN, token=None, data={"token": "wrong"}, headers=BROWSER)
    answer = tower.ask("POST", LOGIN, token=None, data={"token": "wrong"}, headers=BROWSER)
    assert (answer.status_code, int(answer.headers["retry-after"]) > 0) == (429, True)


def test_another_site_cannot_log_anybody_in(tower: Tower) -> None:
    """Even with a right token."""
    elsewhere = {**BROWSER, "Sec-Fetch-Site": "cross-site"}
    answer = tower.ask("POST", LOGIN, token=None, data={"token": OPERATOR}, headers=elsewhere)
    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers


def test_a_session_acts_only_on_our_own_pages(tower: Tower) -> None:
    """A form of another site comes with the cookie of a careless browser and is refused."""
    headers = cookie_of(tower)
    resolve = "/production/alerts/none/resolve"
    assert tower.ask("POST", resolve, token=None, headers=headers).status_code == 404
    headers["Sec-Fetch-Site"] = "cross-site"
    assert tower.ask("POST", resolve, token=None, headers=headers).status_code == 403


def test_who_may_only_look_gets_no_buttons(tower: Tower) -> None:
    """And is refused where others act."""
    headers = cookie_of(tower, READER)
    tower.alerts.raise_now("Oven is hot")
    page = tower.ask("GET", "/production/", token=None, headers=headers)
    assert "Oven is hot" in page.text
    assert "/resolve" not in page.text
    assert tower.ask("POST", "/production/backup/manual", token=None, headers=headers).status_code == 403


def test_signing_out_ends_the_session(tower: Tower) -> None:
    """The browser is told to forget the cookie."""
    answer = tower.ask("POST", "/production/logout", token=None, headers=cookie_of(tower))
    assert (answer.status_code, answer.headers["location"]) == (303, "/production/")
    assert "Max-Age=0" in answer.headers["set-cookie"]


def test_the_login_works_below_another_path(tower: Tower) -> None:
    """A proxy may serve it from elsewhere."""
    page = tower.ask("GET", f"/outside{LOGIN}", token=None, root_path="/outside")
    assert 'action="/outside/production/login"' in page.text
