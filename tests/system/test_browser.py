"""A person opens the page in a real browser, logs in and acts."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from .server import Server, running

pytestmark = pytest.mark.browser

CHROMIUM = shutil.which("chromium")
# Because on a machine without internet Chromium would look for its maker's hosts at every start.
QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("page")


@pytest.fixture(scope="module")
def token(root: Path) -> str:
    """The token that the setup shows."""
    done = Server(root).command("setup")
    return re.search(r"atalaia_\S+", done.stdout).group()


@pytest.fixture(scope="module")
def server(root: Path, token: str):
    with running(root) as server:
        yield server


@pytest.fixture(scope="module")
def browser():
    if CHROMIUM is None:
        pytest.skip("Debian's chromium is not installed")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(QUIET))
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser):
    context = browser.new_context(locale="pt-BR")
    yield context.new_page()
    context.close()


def log_in(page: Page, server: Server, token: str) -> None:
    page.goto(f"http://localhost:{server.port}/production/")
    page.fill("input[type=password]", token)
    page.click("button")


def test_a_wrong_token_shows_nothing(page: Page, server: Server) -> None:
    """The login says no, and the page stays closed."""
    log_in(page, server, "wrong")
    assert page.url.endswith("/production/login")
    assert "O token não é conhecido" in page.inner_text("body")
    page.goto(f"http://localhost:{server.port}/production/")
    assert page.url.endswith("/production/login")


def test_an_operator_acknowledges_and_resolves(page: Page, server: Server, token: str) -> None:
    """With the token the page opens; the buttons of an alert do what they say."""
    server.post("alerts", {"title": "Gateway recusa", "severity": "HIGH", "key": "browser"})
    log_in(page, server, token)
    page.click("text=Reconhecer")
    assert "reconhecido por" in page.inner_text("#alerts")
    page.click("text=Resolver")
    assert "Gateway recusa" not in page.inner_text("#alerts")


def test_text_of_others_stays_text(page: Page, server: Server, token: str) -> None:
    """A script in an alert's title is shown and does not run; the policy has nothing to complain of."""
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if "Policy" in message.text else None)
    server.post("alerts", {"title": "<script>document.title='owned'</script>", "key": "xss"})
    log_in(page, server, token)
    assert "<script>" in page.inner_text("#alerts")
    assert "owned" not in page.title()
    assert complaints == []


def test_a_phone_needs_no_sideways_scrolling(browser: Browser, server: Server, token: str) -> None:
    """At 390 pixels the page is one column."""
    context = browser.new_context(viewport={"width": 390, "height": 844}, color_scheme="dark")
    page = context.new_page()
    log_in(page, server, token)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    context.close()
