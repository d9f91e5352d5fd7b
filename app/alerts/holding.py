"""Why an alert that fires is not told just now: the newest stored decision of each channel, as a fact."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from ..core.clock import parse_rfc3339
from .wording import Language

_PATTERNS = {
    "silence": r"silence (?P<id>\S+) of (?P<who>.*)",
    "inhibited": r"inhibited: (?P<rule>.*) \((?P<alert>[^()]*)\)",
    "maintenance": r"maintenance: (?P<window>.*)",
    "acknowledged": r"acknowledged by (?P<who>.*)",
    "quiet_hours": r"quiet hours",
    "cooldown": r"cooldown",
    "flapping": r"flapping: .*",
}
_ENDS = ("silence", "maintenance", "quiet_hours", "cooldown")
"""The reasons that end at a time of their own; what else holds a notice ends with something else."""

_WORDS: dict[Language, Mapping[str, str]] = {
    "en": {},
    "pt-BR": {
        "silence": "silêncio {id} de {who}",
        "inhibited": "explicado por outro alerta: {rule} ({alert})",
        "maintenance": "manutenção: {window}",
        "acknowledged": "reconhecido por {who}",
        "quiet_hours": "horário de silêncio",
        "cooldown": "já foi avisado há pouco",
        "flapping": "vai e volta: avisado quando assentar",
    },
}


@dataclass(frozen=True, slots=True)
class Held:
    """`kind` is silence, inhibited, maintenance, acknowledged, quiet_hours, cooldown, flapping, or route.

    `at` (when it was decided last) and `until` (None: until something else ends it) are RFC 3339.
    """

    channel: str
    kind: str
    why: str
    at: str
    until: str | None

    def document(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Untold:
    """What flaps, by fingerprint, since when; and what is held back, by the alert's id."""

    flapping: Mapping[str, str] = field(default_factory=dict)
    held: Mapping[str, list[Held]] = field(default_factory=dict)


NOTHING = Untold()
"""Everything is told."""


def held_of(decisions: Iterable[Mapping[str, Any]], now: datetime) -> dict[str, list[Held]]:
    """By alert, what keeps it quiet, from each channel's newest decision.

    `decisions`: alert_id, channel, what, why, at and due_at. One that sent something holds nothing, and
    neither does one whose time is over.
    """
    found: dict[str, list[Held]] = {}
    for one in decisions:
        if one["what"] in ("withheld", "postponed"):
            kind = kind_of(one["why"])
            until = one["due_at"] if kind in _ENDS else None
            if until is None or parse_rfc3339(until) > now:
                held = Held(one["channel"], kind, one["why"], one["at"], until)
                found.setdefault(one["alert_id"], []).append(held)
    return found


def kind_of(why: str) -> str:
    """Which kind of reason a stored one is; `route` for those of the routing."""
    return next((kind for kind, pattern in _PATTERNS.items() if re.fullmatch(pattern, why)), "route")


def worded(kind: str, why: str, language: Language) -> str:
    """A stored reason in a language, as far as it is known there."""
    template, known = _WORDS[language].get(kind), re.fullmatch(_PATTERNS.get(kind, ""), why)
    return template.format(**known.groupdict()) if template and known else why
