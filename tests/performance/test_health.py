from __future__ import annotations

from app.core.health import Level
from app.performance.health import component_health, monitor_health
from app.performance.model import Kept, Reading
from app.performance.settings import PerformanceSettings

from .readings import answered, host_details, unanswered

SETTINGS = PerformanceSettings()
NOW = 1_000.0


def test_a_young_process_is_given_time_for_its_first_sample() -> None:
    """Three intervals; then no sample is a fault."""
    assert monitor_health({}, SETTINGS, NOW, began_at=NOW - 15).level is Level.OK
    late = monitor_health({}, SETTINGS, NOW, began_at=NOW - 16)
    assert (late.level, late.reason) == (
        Level.DEGRADED,
        "the host was not sampled since 1970-01-01T00:16:24.000000Z",
    )


def test_stale_samples_are_a_degraded_monitor() -> None:
    """Whoever sampled them before."""
    latest = {"host": answered(NOW - 16, **host_details())}
    assert monitor_health(latest, SETTINGS, NOW, began_at=0).level is Level.DEGRADED


def test_a_probe_that_fails_in_part_is_told() -> None:
    """With its reason."""
    latest = {"host": Kept(Reading(Level.DEGRADED, "disks: no answer within 2 s"), NOW)}
    assert monitor_health(latest, SETTINGS, NOW, 0).reason == "disks: no answer within 2 s"


def test_the_database_is_down_at_its_first_failure() -> None:
    """The status tells what is so now; only the alert waits for a second failure."""
    health = component_health({"database": unanswered(1, NOW, configured=True)}, SETTINGS, NOW)["database"]
    assert (health.level, health.reason) == (Level.DOWN, "connection refused")


def test_no_database_is_ok_and_says_why() -> None:
    """An application need not have one."""
    latest = {"database": Kept(Reading(Level.OK, "no DATABASE_URL", {"configured": False}), NOW)}
    health = component_health(latest, SETTINGS, NOW)["database"]
    assert (health.level, health.reason) == (Level.OK, "no DATABASE_URL")


def test_an_external_service_that_is_down_degrades() -> None:
    """The application itself still stands."""
    components = component_health({"external:openai": unanswered(5, NOW)}, SETTINGS, NOW)
    assert components["external.openai"].level is Level.DEGRADED


def test_old_answers_are_not_trusted() -> None:
    """A database that was well an hour ago is not known to be so."""
    latest = {"database": answered(NOW - 3_600, configured=True), "external:a": answered(NOW - 3_600)}
    levels = {name: health.level for name, health in component_health(latest, SETTINGS, NOW).items()}
    assert levels == {"database": Level.DEGRADED, "external.a": Level.DEGRADED}
