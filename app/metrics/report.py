"""The business dashboard: sums and flows of a period as the document that people read. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..core.measure import Measure, Sample
from .model import TRADE
from .money import MICRO, decimal_text
from .rollup import FUNNEL, OTHER, Row

_MOST_TAG_VALUES = 50
_MONEY_MEASURES = {
    "revenue": ("revenue", "Money that came in, refunds not taken off."),
    "refund": ("refunds", "Money that was given back."),
    "cost": ("costs", "Money that was spent."),
}


@dataclass(frozen=True, slots=True)
class Total:
    """The sums of one series over a period; `tags` is None where too many sets of tags came together."""

    name: str
    currency: str
    unit: str
    tags: Mapping[str, str] | None
    sums: Row

    def tag(self, label: str) -> str:
        """The value of one tag, "unknown" without one."""
        return OTHER if self.tags is None else self.tags.get(label, "unknown")


@dataclass(frozen=True, slots=True)
class Flow:
    """How conversations and people went through a period.

    `duration` is the sum over the `ended` conversations whose beginning is known, in microseconds;
    `stages` are people per stage of FUNNEL.
    """

    active: int
    duration: int
    ended: int
    people: int
    stages: tuple[int, ...]


def dashboard(totals: Iterable[Total], flow: Flow, currency: str) -> dict[str, Any]:
    """Every section of the dashboard document for one period."""
    by_name: dict[str, list[Total]] = {}
    for total in totals:
        by_name.setdefault(total.name, []).append(total)
    trade = _Trade(by_name)
    return {
        "conversations": _conversations(trade, flow),
        "users": {"unique": flow.people},
        "leads": _leads(trade),
        "bookings": _bookings(trade),
        "revenue": _revenue(trade, currency),
        "costs": _costs(trade, currency),
        "funnel": _funnel(flow.stages),
        "custom": {name: _custom(by_name[name]) for name in sorted(by_name.keys() - TRADE)},
    }


def measures(ever: Sequence[tuple[str, str, int, int]]) -> list[Measure]:
    """(name, currency, events, amount in millionths) over all time as counters, money in whole units."""
    events = Counter[str]()
    for name, _, count, _ in ever:
        events[name] += count
    by_name = [Sample(count, {"name": name}) for name, count in sorted(events.items())]
    return [
        Measure("atalaia_business_events", "counter", "Business events by name.", by_name),
        *(
            Measure(f"atalaia_business_{family}", "counter", text, _by_currency(ever, name))
            for name, (family, text) in _MONEY_MEASURES.items()
        ),
    ]


def _by_currency(ever: Sequence[tuple[str, str, int, int]], name: str) -> list[Sample]:
    return [
        Sample(float(decimal_text(amount, currency)), {"currency": currency})
        for counted, currency, _, amount in ever
        if counted == name
    ]


class _Trade:
    """The events of the trade, asked for by name."""

    def __init__(self, by_name: Mapping[str, Sequence[Total]]) -> None:
        self._by_name = by_name

    def of(self, name: str) -> Sequence[Total]:
        return self._by_name.get(name, ())

    def count(self, name: str) -> int:
        return sum(total.sums.events for total in self.of(name))

    def amounts(self, name: str) -> Counter[str]:
        amounts: Counter[str] = Counter()
        for total in self.of(name):
            amounts[total.currency] += total.sums.amount
        return amounts


def _conversations(trade: _Trade, flow: Flow) -> dict[str, Any]:
    started, handed_off = trade.count("conversation_started"), trade.count("conversation_handed_off")
    completed = sum(total.sums.total for total in trade.of("conversation_ended")) // MICRO
    return {
        "started": started,
        "completed": completed,
        "active": flow.active,
        "handed_off": handed_off,
        "completion_rate": _rate(completed, started),
        "handoff_rate": _rate(handed_off, started),
        "average_duration_seconds": round(flow.duration / flow.ended / MICRO, 3) if flow.ended else None,
    }


def _leads(trade: _Trade) -> dict[str, Any]:
    generated, qualified = trade.count("lead_generated"), trade.count("lead_qualified")
    scored = sum(total.sums.valued for total in trade.of("lead_qualified"))
    scores = sum(total.sums.total for total in trade.of("lead_qualified"))
    return {
        "generated": generated,
        "qualified": qualified,
        "qualification_rate": _rate(qualified, generated),
        "average_score": round(scores / scored / MICRO, 4) if scored else None,
        "by_source": _by_tag(trade.of("lead_generated"), "source"),
    }


def _bookings(trade: _Trade) -> dict[str, Any]:
    requested, confirmed = trade.count("booking_requested"), trade.count("booking_confirmed")
    return {
        "requested": requested,
        "confirmed": confirmed,
        "cancelled": trade.count("booking_cancelled"),
        "confirmation_rate": _rate(confirmed, requested),
    }


def _revenue(trade: _Trade, currency: str) -> dict[str, Any]:
    gross, refunds = trade.amounts("revenue"), trade.amounts("refund")
    counts = Counter[str]()
    for total in trade.of("revenue"):
        counts[total.currency] += total.sums.events
    return {
        code: {
            "gross": decimal_text(gross[code], code),
            "refunds": decimal_text(refunds[code], code),
            "net": decimal_text(gross[code] - refunds[code], code),
            "count": counts[code],
        }
        for code in sorted({currency, *gross, *refunds})
    }


def _costs(trade: _Trade, currency: str) -> dict[str, Any]:
    kinds: dict[str, Counter[str]] = {currency: Counter()}
    for total in trade.of("cost"):
        kinds.setdefault(total.currency, Counter())[total.tag("kind")] += total.sums.amount
    return {
        code: {
            "total": decimal_text(amounts.total(), code),
            "by_kind": {kind: decimal_text(amount, code) for kind, amount in _ranked(amounts)},
        }
        for code, amounts in sorted(kinds.items())
    }


def _funnel(stages: Sequence[int]) -> list[dict[str, Any]]:
    return [
        {
            "stage": name,
            "people": people,
            "of_first": _rate(people, stages[0]),
            "of_previous": _rate(people, stages[max(number - 1, 0)]),
        }
        for number, (name, people) in enumerate(zip(FUNNEL, stages, strict=True))
    ]


def _custom(totals: Sequence[Total]) -> dict[str, Any]:
    sums, amounts = Row(), Counter[str]()
    for total in totals:
        sums.merge(total.sums)
        if total.currency:
            amounts[total.currency] += total.sums.amount
    units = {total.unit for total in totals if total.tags is not None}
    return {
        "count": sums.events,
        "sum": _number(sums.total),
        "average": round(sums.total / sums.valued / MICRO, 4) if sums.valued else None,
        "min": None if sums.least is None else _number(sums.least),
        "max": None if sums.most is None else _number(sums.most),
        "unit": units.pop() or None if len(units) == 1 else None,
        "amounts": {code: decimal_text(amount, code) for code, amount in sorted(amounts.items())},
        "tags": _by_every_tag(totals),
    }


def _by_every_tag(totals: Sequence[Total]) -> dict[str, dict[str, int]]:
    labels = sorted({label for total in totals for label in total.tags or ()})
    return {label: _by_tag([t for t in totals if label in (t.tags or ())], label) for label in labels}


def _by_tag(totals: Sequence[Total], label: str) -> dict[str, int]:
    """Events per value of a tag, most frequent first; values beyond the first 50 come together."""
    counts = Counter[str]()
    for total in totals:
        counts[total.tag(label)] += total.sums.events
    ranked = _ranked(counts)
    if rest := sum(n for _, n in ranked[_MOST_TAG_VALUES:]):
        shown = Counter(dict(ranked[:_MOST_TAG_VALUES]))
        shown[OTHER] += rest
        return dict(shown)
    return dict(ranked)


def _ranked(counts: Mapping[str, int]) -> list[tuple[str, int]]:
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))


def _rate(part: int, whole: int) -> float | None:
    """A fraction from 0 to 1; what began before the period may end in it, and counts as 1 at most."""
    return round(min(part / whole, 1.0), 4) if whole else None


def _number(millionths: int) -> int | float:
    whole, rest = divmod(millionths, MICRO)
    return whole if rest == 0 else millionths / MICRO
