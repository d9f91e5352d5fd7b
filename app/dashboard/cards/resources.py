"""Resources: processor, memory, disks and the database's connections against their thresholds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .. import figures
from ..markup import Markup, tag
from ..parts import Frame, card, grade, reason
from ..words import Words

NAME = "resources"


@dataclass(frozen=True, slots=True)
class View:
    """One resource: how much of it is used, in percent, and from where on that is too much.

    `percent` is None where it is not known, a threshold where there is none. place: which of several;
    reason: what else is to be said.
    """

    name: str
    level: str
    percent: float | None
    warning: float | None
    critical: float | None
    place: str = ""
    reason: str = ""
    used_bytes: float | None = None
    total_bytes: float | None = None


def view(document: Mapping[str, Any]) -> Sequence[View]:
    """From GET /production/performance/current."""
    cpu, memory, disk, database = (document[name] for name in ("cpu", "memory", "disk", "database"))
    connections = database.get("connections", {}).get("percent")
    return [
        _resource("cpu", cpu, cpu.get("percent")),
        _resource("memory", memory, memory.get("percent"), **_sizes(memory)),
        *_disks(disk),
        _resource("connections", database, connections, reason=database.get("reason", "")),
    ]


def markup(shown: Sequence[View], frame: Frame) -> Markup:
    return card(NAME, frame, tag("ul", [_item(one, frame) for one in shown]))


def _disks(disk: Mapping[str, Any]) -> Iterator[View]:
    for one in disk.get("paths", ()):
        graded = {**disk, "level": _level(one["percent"], disk)}
        yield _resource("disk", graded, one["percent"], place=one["path"], **_sizes(one))


def _level(percent: float, disk: Mapping[str, Any]) -> str:
    """Of one disk by itself, because the document's level is that of the fullest."""
    limits = {name: disk["thresholds"][name] for name in ("critical", "warning")}
    over = [name for name, limit in limits.items() if limit is not None and percent > limit]
    return over[0] if over else "ok"


def _sizes(of: Mapping[str, Any]) -> dict[str, Any]:
    return {name: of.get(name) for name in ("used_bytes", "total_bytes")}


def _resource(name: str, graded: Mapping[str, Any], percent: float | None, **more: Any) -> View:
    limits = graded["thresholds"]
    return View(name, graded["level"], percent, limits["warning"], limits["critical"], **more)


def _item(one: View, frame: Frame) -> Markup:
    words = frame.words
    name = f"{words.name(one.name)} {one.place}".rstrip()
    used = figures.percent(one.percent, words)
    return tag(
        "li",
        tag("h3", name, " ", tag("b", used), " ", grade(one.level, words)),
        _meter(one, name, used) if one.percent is not None else "",
        tag("p", " · ".join(_said(one, words)), class_="hint"),
    )


def _meter(one: View, name: str, used: str) -> Markup:
    given = {"min": 0, "max": 100, "low": one.warning, "high": one.critical, "optimum": 0}
    limits = {name: limit for name, limit in given.items() if limit is not None}
    return tag("meter", used, **limits, value=one.percent, aria_label=name)


def _said(one: View, words: Words) -> Iterator[str]:
    if one.reason:
        yield reason(one.reason, words)
    if one.total_bytes:
        yield f"{figures.size(one.used_bytes, words)} / {figures.size(one.total_bytes, words)}"
    limits = {"warning": one.warning, "critical": one.critical}
    if any(limit is not None for limit in limits.values()):
        yield words.warns_at.format(
            **{name: figures.percent(limit, words, 0) for name, limit in limits.items()}
        )
