"""What is watched without any file: the shipped rules, with the thresholds of the settings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..core.shipped import ShippedRule
from .settings import PerformanceSettings
from .thresholds import Threshold

# Because a route that nobody calls any more, of a release that is gone, must not be raised for ever.
_ROUTE_EXPIRES_SECONDS = 900.0
_FAILURES_TO_BE_UNREACHABLE = 2
_KNOBS = {
    "cpu_high": "cpu_{}_percent",
    "memory_high": "memory_{}_percent",
    "disk_high": "disk_{}_percent",
    "response_time_high": "response_{}_seconds",
    "error_rate_high": "error_rate_{}_percent",
    "database_connections_high": "connections_{}_percent",
    "event_loop_blocked": "loop_{}_seconds",
}
"""The settings that hold a rule's thresholds, warning and critical."""


def shipped(settings: PerformanceSettings) -> tuple[ShippedRule, ...]:
    """Every rule that this page brings along."""
    return (*_of_the_host(settings), *_of_requests(settings), *_of_others(settings))


def under(settings: PerformanceSettings, limits: Mapping[str, tuple[float, float]]) -> PerformanceSettings:
    """The settings with the thresholds that rules of config/alerts.yaml put in their place, by rule.

    An infinite one is none.
    """
    changed: dict[str, float] = {}
    for name, knob in _KNOBS.items():
        if name in limits:
            changed[knob.format("warning")], changed[knob.format("critical")] = limits[name]
    return settings.model_copy(update=changed)


def _of_the_host(settings: PerformanceSettings) -> tuple[ShippedRule, ...]:
    in_a_row = settings.confirm_samples
    return (
        _rule(
            "cpu_high",
            "cpu",
            settings.cpu,
            title="CPU use is high",
            metric="atalaia_cpu_percent",
            samples=in_a_row,
        ),
        _rule(
            "memory_high",
            "memory",
            settings.memory,
            title="Memory use is high",
            metric="atalaia_memory_percent",
            samples=in_a_row,
            category="SYSTEM",
        ),
        _rule(
            "disk_high",
            "disk:{path}",
            settings.disk,
            title="Disk {path} is nearly full",
            metric="atalaia_disk_percent",
            category="SYSTEM",
        ),
    )


def _of_requests(settings: PerformanceSettings) -> tuple[ShippedRule, ...]:
    return (
        _rule(
            "response_time_high",
            "response_time:{method} {route}",
            settings.response,
            title="{method} {route} answers slowly",
            metric="atalaia_response_p95_seconds",
            expires_seconds=_ROUTE_EXPIRES_SECONDS,
        ),
        _rule(
            "error_rate_high",
            "error_rate",
            settings.error_rate,
            title="Many requests fail with 5xx",
            metric="atalaia_error_rate_percent",
        ),
        _rule(
            "event_loop_blocked",
            "event_loop",
            settings.loop,
            title="The event loop was blocked",
            metric="atalaia_event_loop_blocked_seconds",
        ),
    )


def _of_others(settings: PerformanceSettings) -> tuple[ShippedRule, ...]:
    return (
        _unreachable(
            "database_unreachable",
            "database",
            "The database does not answer",
            "atalaia_database_failures",
        ),
        _rule(
            "database_connections_high",
            "database_connections",
            settings.connections,
            title="Few database connections are left",
            metric="atalaia_database_connections_percent",
        ),
        _unreachable(
            "external_unreachable",
            "external:{service}",
            "{service} cannot be reached",
            "atalaia_external_failures",
        ),
    )


def _rule(
    name: str, key: str, threshold: Threshold, *, expires_seconds: float | None = None, **given: Any
) -> ShippedRule:
    said = {
        "name": name,
        "operator": ">",
        "value": threshold.warning,
        "critical": threshold.critical,
        "recover": "5%",
        "unit": threshold.unit,
        "no_data": "keep",
        **given,
    }
    return ShippedRule(name, "performance", key, said, expires_seconds)


def _unreachable(name: str, key: str, title: str, metric: str) -> ShippedRule:
    """CRITICAL from the second failure in a row on; after the first it stays as it was."""
    said = {
        "name": name,
        "title": title,
        "message": "{about}",
        "metric": metric,
        "operator": ">=",
        "value": _FAILURES_TO_BE_UNREACHABLE,
        "recover": 1,
        "no_data": "keep",
        "severity": "CRITICAL",
        "category": "SYSTEM",
    }
    return ShippedRule(name, "performance", key, said, counts=True)
