"""What a notice says: composed once, then rendered as the channel needs it."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from ..core.guard import guard
from ..core.signal import Severity
from .facts import printable
from .headings import HEADINGS, OWN_WORDS, details_of, heading_of
from .model import Alert, Digest, Item, Kind, Notice
from .wording import CATEGORIES, KINDS, SEVERITIES, WORDS, Language

_SUBJECT, _LABELS, _LINE, _VALUES = 150, 8, 200, 30
_EXPLAINED = 4  # so few in a digest that there is room for what each of them says
_MARKS = {Severity.LOW: "🔵", Severity.MEDIUM: "🟡", Severity.HIGH: "🟠", Severity.CRITICAL: "🔴"}
_OVER = (Kind.RESOLVED, Kind.LATE)
_GOOD = (*_OVER, Kind.NOTED, Kind.TEST)
_NEWS = (Kind.FIRED, Kind.WORSE, Kind.REMINDER, Kind.ESCALATED)
_BARS = "▁▂▃▄▅▆▇█"
# Because what a label says may come from anywhere, and ends up where people click.
_ADDRESS = re.compile(r"https?://[A-Za-z0-9._~:/?#&=%+,;-]{1,400}")
_APART = ("runbook", "recent_values", OWN_WORDS)
"""Labels that are more than a line, or nothing to people."""


def _no_link(_: Alert) -> str:
    return ""


def _no_lines(_: Alert) -> Sequence[str]:
    return ()


@dataclass(frozen=True, slots=True)
class Style:
    """How this installation speaks: `zone` None is that of the process.

    acknowledge_url: the link by which its reader acknowledges an alert, "" for none.
    recent_lines: log lines that may explain an alert, oldest first, free of secrets.
    """

    language: Language
    host: str
    dashboard_url: str = ""
    zone: ZoneInfo | None = None
    acknowledge_url: Callable[[Alert], str] = _no_link
    recent_lines: Callable[[Alert], Sequence[str]] = _no_lines


@dataclass(frozen=True, slots=True)
class Message:
    """The parts of a message.

    `subject` is the same in every message of one episode, because mail programs thread by it; what
    has changed stands in `headline`. `facts` are pairs of a name and a text of one line, `links` of a
    name and a URL, `buttons` of a verb (acknowledge, resolve, silence) and what stands on it.
    """

    subject: str
    headline: str
    mark: str
    details: str
    facts: tuple[tuple[str, str], ...] = ()
    note: str = ""
    lines: tuple[str, ...] = ()
    lines_name: str = ""
    links: tuple[tuple[str, str], ...] = ()
    acknowledge_url: str = ""
    buttons: tuple[tuple[str, str], ...] = ()


def compose(notice: Notice, style: Style) -> Message:
    """The message of a notice in the language of the style; a bare one if that fails."""
    with guard("alerts.compose"):
        if notice.digest is not None:
            return _of_many(notice.digest, notice.possibly_repeated, style)
        return _of_one(notice, style)
    return _bare(notice, style)


def sparkline(values: Sequence[float]) -> str:
    """The course of the last 30 values as a row of bars; "" for fewer than two."""
    shown = [value for value in values if math.isfinite(value)][-_VALUES:]
    if len(shown) < 2:
        return ""
    low = min(shown)
    # Because the span of two large floats may be more than a float can hold.
    span = max(shown) / 2 - low / 2
    steps = [(value / 2 - low / 2) / span if span > 0 else 0.0 for value in shown]
    return "".join(_BARS[min(int(step * len(_BARS)), len(_BARS) - 1)] for step in steps)


def _of_one(notice: Notice, style: Style) -> Message:
    alert, words = notice.alert, WORDS[style.language]
    acknowledge_url = _acknowledge_url(notice, style)
    lines = _lines(notice, style)
    return Message(
        subject=_subject(style, heading_of(alert.code, alert.labels, alert.title, style.language)),
        headline=_headline(notice.kind, alert, style.language),
        mark=_mark(notice.kind, alert),
        details=details_of(alert.code, alert.labels, alert.message, style.language),
        facts=tuple(_facts(notice, style)),
        note=words["repeated"] if notice.possibly_repeated else "",
        lines=lines,
        lines_name=words["lines"] if lines else "",
        links=tuple(_links(alert, acknowledge_url, style)),
        acknowledge_url=acknowledge_url,
        buttons=tuple(_buttons(notice, style.language)),
    )


def _of_many(digest: Digest, possibly_repeated: bool, style: Style) -> Message:
    words = WORDS[style.language]
    worst_first = sorted(digest.by_severity, key=lambda severity: -severity.rank)
    counts = ", ".join(
        f"{digest.by_severity[severity]} {SEVERITIES[style.language][severity]}" for severity in worst_first
    )
    lines = [_item(item, style.language) for item in digest.items]
    if digest.total <= _EXPLAINED:
        lines = [
            f"{line}{_explained(item.alert, style)}" for line, item in zip(lines, digest.items, strict=True)
        ]
    if digest.total > len(lines):
        lines.append(words["more"].format(count=digest.total - len(lines)))
    since = _moment(digest.since, style)
    return Message(
        subject=_subject(style, words["digest_subject"].format(count=digest.total, since=since)),
        headline=words["digest"].format(count=digest.total, counts=counts),
        mark="✅" if set(digest.by_kind) <= set(_OVER) else _MARKS[worst_first[0]],
        details="\n".join(lines),
        facts=((words["since"], since), (words["host"], style.host)),
        note=words["repeated"] if possibly_repeated else "",
        links=((words["dashboard"], style.dashboard_url),) if style.dashboard_url else (),
    )


def _bare(notice: Notice, style: Style) -> Message:
    """What can be said whatever is wrong with the rest."""
    alert = notice.alert
    headline = f"{alert.severity.value} ({notice.kind.value}): {alert.title}"
    return Message(_subject(style, alert.title), headline, _MARKS[alert.severity], alert.message)


def _subject(style: Style, text: str) -> str:
    return f"[{style.host}] {text}"[:_SUBJECT]


def _headline(kind: Kind, alert: Alert, language: Language) -> str:
    return KINDS[language][kind].format(
        severity=SEVERITIES[language][alert.severity],
        heading=heading_of(alert.code, alert.labels, alert.title, language),
        who=alert.acknowledged_by or WORDS[language]["somebody"],
    )


def _mark(kind: Kind, alert: Alert) -> str:
    if kind in _GOOD and not (kind is Kind.NOTED and alert.severity.rank >= Severity.HIGH.rank):
        return "✅"
    return {Kind.ACKNOWLEDGED: "👤", Kind.FLAPPING: "🔁"}.get(kind, _MARKS[alert.severity])


def _item(item: Item, language: Language) -> str:
    times = f" ({item.count}x)" if item.count > 1 else ""
    return f"{_mark(item.kind, item.alert)} {_headline(item.kind, item.alert, language)[:_SUBJECT]}{times}"


def _explained(alert: Alert, style: Style) -> str:
    """What an alert says beyond its title, as a line below it."""
    details = details_of(alert.code, alert.labels, alert.message, style.language)
    return f"\n    {printable(details, _LINE)}" if details else ""


def _facts(notice: Notice, style: Style) -> Iterator[tuple[str, str]]:
    alert, words = notice.alert, WORDS[style.language]
    for name, number in (("value", alert.value), ("threshold", alert.threshold)):
        if number is not None:
            yield words[name], _number(number, alert.code, style.language)
    if trend := sparkline(_recent_values(alert)):
        yield words["trend"], trend
    yield from [(name, text) for name, text in alert.labels.items() if name not in _APART][:_LABELS]
    yield words["since"], _moment(alert.started_at, style)
    yield from _endings(notice, style)
    if notice.repeats:
        yield words["repeats"], words["times"].format(count=notice.repeats)
    yield words["category"], f"{CATEGORIES[style.language][alert.category]} · {alert.source}"
    yield words["host"], style.host
    yield words["id"], alert.id


def _endings(notice: Notice, style: Style) -> Iterator[tuple[str, str]]:
    """Who took it on, when it was over, and why."""
    alert, words = notice.alert, WORDS[style.language]
    if notice.kind is Kind.ACKNOWLEDGED and alert.acknowledged_at is not None:
        yield words["acknowledged"], _moment(alert.acknowledged_at, style)
    elif alert.resolved_at is not None and not alert.noted:
        yield words["over"], _moment(alert.resolved_at, style)
    else:
        return
    if alert.reason:
        yield words["reason"], alert.reason


def _recent_values(alert: Alert) -> list[float]:
    """The numbers of the label `recent_values`, oldest first; [] when they are none."""
    try:
        return [float(text) for text in alert.labels.get("recent_values", "").split(",") if text.strip()]
    except ValueError:
        return []


def _acknowledge_url(notice: Notice, style: Style) -> str:
    if notice.kind in _NEWS and notice.alert.acknowledged_at is None:
        with guard("alerts.acknowledge_url"):
            return style.acknowledge_url(notice.alert)
    return ""


def _lines(notice: Notice, style: Style) -> tuple[str, ...]:
    if notice.kind in _NEWS:
        with guard("alerts.recent_lines"):
            return tuple(printable(line, _LINE) for line in style.recent_lines(notice.alert))
    return ()


def _links(alert: Alert, acknowledge_url: str, style: Style) -> Iterator[tuple[str, str]]:
    words = WORDS[style.language]
    runbook = alert.labels.get("runbook", "")
    for name, url in (
        ("acknowledge", acknowledge_url),
        ("runbook", runbook if _ADDRESS.fullmatch(runbook) else ""),
        ("dashboard", style.dashboard_url),
    ):
        if url:
            yield words[name], url


def _buttons(notice: Notice, language: Language) -> Iterator[tuple[str, str]]:
    if not notice.alert.is_active or notice.kind in _GOOD:
        return
    for verb in ("acknowledge", "resolve", "silence"):
        if verb != "acknowledge" or notice.alert.acknowledged_at is None:
            yield verb, WORDS[language][verb]


def _number(number: float, code: str, language: Language) -> str:
    unit = HEADINGS[code].unit if code in HEADINGS else ""
    text = f"{number:.4g}" if abs(number) < 10_000 else f"{number:.0f}"
    shown = text.replace(".", ",") if language == "pt-BR" else text
    return f"{shown} {unit}".rstrip()


def _moment(moment: datetime, style: Style) -> str:
    return moment.astimezone(style.zone).strftime("%Y-%m-%d %H:%M:%S %Z")
