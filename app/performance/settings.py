"""The knobs of the performance room."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import ClassVar, Self
from urllib.parse import urlsplit

from pydantic import field_validator, model_validator

from ..core.section import CommaList, Section, knob
from .thresholds import Threshold

_SERVICE = re.compile(r"[A-Za-z0-9_-]{1,40}")
_PAIRS = ("cpu", "memory", "disk", "response", "error_rate", "connections", "loop")


class PerformanceSettings(Section):
    """What is sampled, how often, and from which values on it is an alert."""

    prefix: ClassVar[str] = "PERFORMANCE_"
    title: ClassVar[str] = "Performance"

    sample_seconds: float = knob(
        5.0, "How often the host and each worker are sampled", unit="seconds", ge=1, le=60
    )
    keep_days: int = knob(30, "How long samples and statistics are kept", unit="days", ge=1, le=400)
    window_seconds: int = knob(
        300, "The span over which response time and error rate are judged", unit="seconds", ge=60, le=3600
    )
    min_requests: int = knob(10, "Fewer requests in that span raise no alert", unit="requests", ge=1)
    confirm_samples: int = knob(
        3, "CPU and memory are alerts when so many samples in a row are over", unit="samples", ge=1, le=60
    )
    slow_request_seconds: float = knob(
        2.0, "Requests from this duration on are listed as slow", unit="seconds", ge=0.001
    )
    slow_query_seconds: float = knob(
        1.0, "SQL statements from this duration on are listed as slow", unit="seconds", ge=0.001
    )
    disk_paths: CommaList = knob(("/",), "File systems to watch beside those of the log and backup folders")
    database_interval_seconds: float = knob(
        15.0, "How often the database is looked at", unit="seconds", ge=5, le=3600
    )
    external_services: CommaList = knob(
        ("whatsapp=https://graph.facebook.com/", "openai=https://api.openai.com/v1/models"),
        "Services that the application needs, as name=URL; any answer below 500 counts as reachable",
    )
    external_interval_seconds: float = knob(
        60.0, "How often external services are checked", unit="seconds", ge=5, le=3600
    )
    external_timeout_seconds: float = knob(
        5.0, "The time that one check may take in all", unit="seconds", ge=0.1, le=30
    )
    cpu_warning_percent: float = knob(80.0, "CPU: warning", unit="percent", gt=0, le=100)
    cpu_critical_percent: float = knob(95.0, "CPU: critical", unit="percent", gt=0, le=100)
    memory_warning_percent: float = knob(85.0, "Memory: warning", unit="percent", gt=0, le=100)
    memory_critical_percent: float = knob(95.0, "Memory: critical", unit="percent", gt=0, le=100)
    disk_warning_percent: float = knob(85.0, "Disk space or inodes: warning", unit="percent", gt=0, le=100)
    disk_critical_percent: float = knob(95.0, "Disk space or inodes: critical", unit="percent", gt=0, le=100)
    response_warning_seconds: float = knob(2.0, "p95 of a route: warning", unit="seconds", gt=0)
    response_critical_seconds: float = knob(5.0, "p95 of a route: critical", unit="seconds", gt=0)
    error_rate_warning_percent: float = knob(
        5.0, "Share of requests answered with 5xx: warning", unit="percent", gt=0, le=100
    )
    error_rate_critical_percent: float = knob(
        10.0, "Share of requests answered with 5xx: critical", unit="percent", gt=0, le=100
    )
    connections_warning_percent: float = knob(
        80.0, "Database connections in use: warning", unit="percent", gt=0, le=100
    )
    connections_critical_percent: float = knob(
        95.0, "Database connections in use: critical", unit="percent", gt=0, le=100
    )
    loop_warning_seconds: float = knob(1.0, "Event loop blocked by one call: warning", unit="seconds", ge=0.2)
    loop_critical_seconds: float = knob(
        5.0, "Event loop blocked by one call: critical", unit="seconds", ge=0.2
    )

    @field_validator("external_services")
    @classmethod
    def _services_are_named_urls(cls, services: tuple[str, ...]) -> tuple[str, ...]:
        for place, service in enumerate(services, start=1):
            name, _, url = service.partition("=")
            if not _SERVICE.fullmatch(name) or not _is_http(url):
                # Because a URL may hold a password, the error does not repeat it.
                raise ValueError(f"number {place} of the list is not of the form name=https://host/path")
        if len({service.partition("=")[0] for service in services}) < len(services):
            raise ValueError("two external services have the same name")
        return services

    @model_validator(mode="after")
    def _warning_comes_before_critical(self) -> Self:
        for pair in _PAIRS:
            threshold: Threshold = getattr(self, pair)
            if threshold.warning >= threshold.critical:
                raise ValueError(
                    f"{pair}: warning {threshold.warning:g} is not below critical {threshold.critical:g}"
                )
        return self

    @property
    def services(self) -> Mapping[str, str]:
        """External services: name → URL, in the order given."""
        pairs = (service.partition("=") for service in self.external_services)
        return {name: url for name, _, url in pairs}

    @property
    def cpu(self) -> Threshold:
        return Threshold(self.cpu_warning_percent, self.cpu_critical_percent)

    @property
    def memory(self) -> Threshold:
        return Threshold(self.memory_warning_percent, self.memory_critical_percent)

    @property
    def disk(self) -> Threshold:
        return Threshold(self.disk_warning_percent, self.disk_critical_percent)

    @property
    def response(self) -> Threshold:
        return Threshold(self.response_warning_seconds, self.response_critical_seconds, unit="s")

    @property
    def error_rate(self) -> Threshold:
        return Threshold(self.error_rate_warning_percent, self.error_rate_critical_percent)

    @property
    def connections(self) -> Threshold:
        return Threshold(self.connections_warning_percent, self.connections_critical_percent)

    @property
    def loop(self) -> Threshold:
        return Threshold(self.loop_warning_seconds, self.loop_critical_seconds, unit="s")


def _is_http(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.hostname)
