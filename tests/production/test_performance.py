"""GET /production/performance/* shows what is so now and how it was."""

from __future__ import annotations

from tests.production.served import Tower


def test_what_is_so_now_has_every_section(tower: Tower) -> None:
    """Each with its thresholds and its level."""
    current = tower.ask("GET", "/production/performance/current").json()
    for section in (
        "cpu",
        "memory",
        "disk",
        "network",
        "process",
        "event_loop",
        "requests",
        "database",
        "external",
    ):
        assert {"thresholds", "level"} <= current[section].keys()


def test_requests_of_the_host_are_measured_and_ours_are_not(tower: Tower) -> None:
    """From the middleware through the files to the document."""
    tower.host.add_api_route("/orders/{order}", lambda order: order)
    for path in ("/orders/1", "/orders/2", "/production/nothing", "/health"):
        tower.ask("GET", path)
    tower.performance.sample_worker()
    requests = tower.ask("GET", "/production/performance/current").json()["requests"]
    assert [(one["route"], one["count"]) for one in requests["by_route"]] == [("/orders/{order}", 2)]


def test_what_visitors_invent_shares_a_series(tower: Tower) -> None:
    """Or paths and methods without end would fill the memory."""
    for number in range(50):
        tower.ask(f"FROB{number}", f"/nothing/{number}")
    tower.performance.sample_worker()
    requests = tower.ask("GET", "/production/performance/current").json()["requests"]
    assert [(one["route"], one["count"]) for one in requests["by_route"]] == [("<unmatched>", 50)]


def test_the_summary_is_of_the_hours_that_were_asked_for(tower: Tower) -> None:
    """A day without a word."""
    assert tower.ask("GET", "/production/performance/summary").json()["hours"] == 24
    assert tower.ask("GET", "/production/performance/summary?hours=1.5").json()["hours"] == 1.5
    assert tower.ask("GET", "/production/performance/summary?hours=1e9").status_code == 400
