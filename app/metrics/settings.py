"""The settings of the metrics room."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import AfterValidator

from ..core.errors import InputRejected
from ..core.section import Section, knob
from .calendar import zone_named
from .money import Refused, checked_currency


def _zone(name: str) -> str:
    try:
        return zone_named(name).key if name else ""
    except InputRejected as error:
        raise ValueError(f"{error.fact}; {error.hint}") from error


def _currency(code: str) -> str:
    try:
        return checked_currency(code)
    except Refused as error:
        raise ValueError(str(error)) from error


class MetricsSettings(Section):
    """METRICS_*: the calendar, the currency, and how long journals are kept."""

    prefix: ClassVar[str] = "METRICS_"
    title: ClassVar[str] = "Business metrics"

    timezone: Annotated[str, AfterValidator(_zone)] = knob(
        "", "IANA time zone of days, weeks and months, like America/Sao_Paulo; empty: that of TZ"
    )
    currency: Annotated[str, AfterValidator(_currency)] = knob(
        "BRL", "Currency of amounts that name none (an ISO 4217 code)"
    )
    conversation_active_hours: int = knob(
        72,
        "A conversation that never ended stops counting as active so long after it began",
        unit="hours",
        ge=1,
        le=8760,
    )
    journal_keep_days: int = knob(
        0,
        "Journals of events older than this are deleted; 0 keeps them for ever, and a rebuild possible",
        unit="days",
        ge=0,
    )
