"""Everything that the pages measure, as text for Prometheus and whatever else reads OpenMetrics 1.0."""

from __future__ import annotations

from collections.abc import Iterable
from math import inf

from prometheus_client import exposition as prometheus
from prometheus_client.metrics_core import Metric
from prometheus_client.openmetrics import exposition as openmetrics

from ..core.measure import HistogramSample, Measure, Sample


def exposition(measures: Iterable[Measure], accept: str = "") -> tuple[str, str]:
    """The text and its content type: OpenMetrics, or Prometheus' own format for who asks for plain text."""
    families = _Families(measures)
    if "text/" in accept and "openmetrics" not in accept:
        return prometheus.generate_latest(families).decode(), prometheus.CONTENT_TYPE_PLAIN_0_0_4
    text: bytes = openmetrics.generate_latest(families)  # type: ignore[no-untyped-call]
    return text.decode(), openmetrics.CONTENT_TYPE_LATEST


class _Families:
    """One family a name, as the format wants it, also where several pages have samples of it."""

    def __init__(self, measures: Iterable[Measure]) -> None:
        self._families: dict[str, Metric] = {}
        for measure in measures:
            self._add(measure)

    def collect(self) -> Iterable[Metric]:
        return self._families.values()

    def _add(self, measure: Measure) -> None:
        family = self._families.setdefault(measure.name, Metric(measure.name, measure.help, measure.kind))
        suffix = "_total" if measure.kind == "counter" else ""
        for sample in measure.samples:
            if isinstance(sample, HistogramSample):
                _add_histogram(family, sample)
            else:
                family.add_sample(measure.name + suffix, _texts(sample), sample.value)


def _add_histogram(family: Metric, sample: HistogramSample) -> None:
    labels = _texts(sample)
    for bound, count in sample.buckets:
        family.add_sample(
            f"{family.name}_bucket", {**labels, "le": "+Inf" if bound == inf else str(float(bound))}, count
        )
    family.add_sample(f"{family.name}_count", labels, sample.buckets[-1][1])
    family.add_sample(f"{family.name}_sum", labels, sample.sum)


def _texts(sample: Sample | HistogramSample) -> dict[str, str]:
    return {name: str(value) for name, value in sample.labels.items()}
