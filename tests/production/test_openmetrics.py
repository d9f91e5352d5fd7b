"""What is measured is read by Prometheus' own parsers as it was meant."""

from __future__ import annotations

from math import inf

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as read_openmetrics
from prometheus_client.parser import text_string_to_metric_families as read_prometheus

from app.core.measure import HistogramSample, Measure, Sample
from app.production.openmetrics import exposition
from tests.production.served import Tower

HOSTILE = 'a"b\\c\nd{}=,#é'

MEASURES = [
    Measure("atalaia_events", "counter", "Events.", [Sample(3, {"name": HOSTILE}), Sample(4, {"name": "x"})]),
    Measure("atalaia_disk_bytes", "gauge", 'Bytes\nof "disks".', [Sample(1.5)]),
    Measure(
        "http_server_request_duration_seconds",
        "histogram",
        "Durations.",
        [HistogramSample([(0.005, 1), (0.1, 3), (inf, 4)], 2.5, {"http_route": "/a"})],
    ),
    Measure("atalaia_disk_bytes", "gauge", "Another page's.", [Sample(2.5, {"path": "/"})]),
    Measure("atalaia_nothing", "gauge", "Nothing yet.", []),
]


def read(accept: str) -> dict[str, dict[tuple[str, ...], float]]:
    """Samples by name and label values, through the parser of the format."""
    text, media_type = exposition(MEASURES, accept)
    families = read_openmetrics(text) if "openmetrics" in media_type else read_prometheus(text)
    found: dict[str, dict[tuple[str, ...], float]] = {}
    for family in families:
        for sample in family.samples:
            found.setdefault(sample.name, {})[tuple(sample.labels.values())] = sample.value
    return found


@pytest.mark.parametrize("accept", ["", "text/plain"])
def test_both_formats_say_the_same(accept: str) -> None:
    """Names, hostile labels, values, and histograms with their sums and counts."""
    found = read(accept)
    assert found["atalaia_events_total"] == {(HOSTILE,): 3, ("x",): 4}
    assert found["atalaia_disk_bytes"] == {(): 1.5, ("/",): 2.5}
    buckets = found["http_server_request_duration_seconds_bucket"]
    assert {labels[-1]: value for labels, value in buckets.items()} == {"0.005": 1, "0.1": 3, "+Inf": 4}
    assert found["http_server_request_duration_seconds_count"] == {("/a",): 4}
    assert found["http_server_request_duration_seconds_sum"] == {("/a",): 2.5}


def test_a_name_of_two_pages_is_one_family() -> None:
    """The format forbids another."""
    text, _ = exposition(MEASURES)
    assert text.count("# TYPE atalaia_disk_bytes ") == 1
    assert text.endswith("# EOF\n")


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        ("*/*", "application/openmetrics-text; version=1.0.0"),
        ("application/openmetrics-text;version=1.0.0;q=0.5,text/plain;q=0.3", "application/openmetrics-text"),
        ("text/plain;version=0.0.4", "text/plain; version=0.0.4"),
        ("text/html,*/*;q=0.8", "text/plain; version=0.0.4"),
    ],
)
def test_who_asks_for_text_gets_text(accept: str, media_type: str) -> None:
    """A browser shows it, curl and Prometheus get OpenMetrics."""
    assert exposition(MEASURES, accept)[1].startswith(media_type)


def test_everything_measured_is_served(tower: Tower) -> None:
    """GET /production/metrics can be read as what it says it is."""
    answer = tower.ask("GET", "/production/metrics")
    assert answer.headers["content-type"] == "application/openmetrics-text; version=1.0.0; charset=utf-8"
    assert "atalaia_alerts_active" in {family.name for family in read_openmetrics(answer.text)}
