from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from app.performance.settings import PerformanceSettings


def refused(**settings: Any) -> str:
    with pytest.raises(ValidationError) as error:
        PerformanceSettings(**settings)
    return str(error.value.errors()[0]["msg"])


def test_the_defaults_are_the_promised_thresholds() -> None:
    """CPU 80/95, memory and disk 85/95, p95 2/5 s, errors 5/10 %, connections 80/95 %."""
    settings = PerformanceSettings()
    pairs = [settings.cpu, settings.memory, settings.disk, settings.response, settings.error_rate]
    assert [(pair.warning, pair.critical) for pair in [*pairs, settings.connections]] == [
        (80, 95),
        (85, 95),
        (85, 95),
        (2, 5),
        (5, 10),
        (80, 95),
    ]


def test_whatsapp_and_openai_are_watched_by_default() -> None:
    """Without a setting, what such an agent needs is looked at."""
    assert list(PerformanceSettings().services) == ["whatsapp", "openai"]


def test_services_come_as_a_comma_list() -> None:
    """As they stand in the environment; a query may hold further equals signs."""
    settings = PerformanceSettings.model_validate(
        {"external_services": "a=https://a.example/?x=1, b=http://b.example"}
    )
    assert settings.services == {"a": "https://a.example/?x=1", "b": "http://b.example"}


def test_a_warning_must_come_before_critical() -> None:
    """The error names the pair and both numbers."""
    message = refused(cpu_warning_percent=96)
    assert "cpu: warning 96 is not below critical 95" in message


@pytest.mark.parametrize(
    "service", ["https://user:s3cret@host/", "a=ftp://x", "a b=https://x", "a=https://["]
)
def test_a_service_is_a_name_and_a_url(service: str) -> None:
    """The error tells the place in the list, and nothing of a URL that may hold a password."""
    message = refused(external_services=("ok=https://x", service))
    assert "number 2 of the list" in message
    assert "s3cret" not in message


def test_a_name_is_given_once() -> None:
    """Two services of one name would be one alert."""
    assert "same name" in refused(external_services=("a=https://x", "a=https://y"))
