"""What our engine tells in the course of a script, with its own settings, ten hours a tick."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

from app.alerts.channels.recording import RecordingChannel
from app.alerts.facts import Silenced, Unsilenced
from app.alerts.model import Item, Kind
from app.alerts.plan import Plan
from app.core.signal import Category, Condition, Severity
from app.testing import FrozenClock

from ..examples import Room, a_signal
from .script import LANES, TICKS, Act, Blip, End, Quiet, Raise, Script, Unquiet

_TICK = timedelta(hours=10)
"""Longer than two cooldowns of anything, so that each half of it is."""
_OVER = (Kind.RESOLVED, Kind.LATE)


class Ours:
    """A script on our engine; `believed`: what each lane takes to be firing, after each half of a tick."""

    def __init__(self, script: Script, folder: Path) -> None:
        self._script = script
        self._clock = FrozenClock("2026-11-23T00:00:00Z")
        channels = [RecordingChannel(name, takes_digests=script.together) for name in LANES]
        self._room = Room(folder, self._clock, channels, _plan(script))
        self._known: set[tuple[str, str]] = set()
        self.believed: list[frozenset[tuple[str, str]]] = []

    def live(self) -> list[frozenset[tuple[str, str]]]:
        """The whole script."""
        for act in self._script.acts:
            self._act(act)
            for _ in range(2):
                self._pass_half()
        self._room.close()
        assert len(self.believed) == 2 * TICKS
        return self.believed

    def _act(self, act: Act) -> None:
        now = self._clock.now()
        match act:
            case Raise(keys):
                for key in keys:
                    self._observe(key, Condition.RAISED)
            case End(keys):
                for key in keys:
                    self._observe(key, Condition.CLEARED)
            case Blip(key):
                self._observe(key, Condition.RAISED)
                self._observe(key, Condition.CLEARED)
            case Quiet(number, matchers, lasts):
                only = {name: text for name, (text,) in matchers.items()}
                self._room.source.write(Silenced(now, f"s{number}", only, now + lasts * _TICK, "ana", ""))
            case Unquiet(number):
                self._room.source.write(Unsilenced(now, f"s{number}", "ana"))

    def _observe(self, key: str, condition: Condition) -> None:
        said = self._script.condition(key)
        self._room.source.observe(
            a_signal(
                key,
                condition=condition,
                category=Category.SYSTEM,
                severity=Severity[said.severity],
                labels=dict(said.labels),
                expires_seconds=(said.lasts * _TICK).total_seconds(),
            )
        )

    def _pass_half(self) -> None:
        """At once, after the longest wait for a group, and until just before something else ends."""
        self._room.pass_time(seconds=0)
        self._room.pass_time(minutes=6)
        self._room.pass_time(minutes=_TICK.total_seconds() / 120 - 7)
        for channel in self._room.channels:
            for notice in channel.notices:
                alone = Item(notice.kind, notice.alert)
                for item in notice.digest.items if notice.digest else (alone,):
                    self._learn((channel.name, item.alert.key), item.kind)
            channel.notices.clear()
        self.believed.append(frozenset(self._known))
        self._clock.advance(minutes=1)

    def _learn(self, known: tuple[str, str], kind: Kind) -> None:
        if kind in _OVER:
            self._known.discard(known)
        else:
            self._known.add(known)


def _plan(script: Script) -> Plan:
    routes = [{"match": route.match, "to": route.to, "continue": route.goes_on} for route in script.routes]
    inhibit = [
        {"name": f"i{number}", "source": rule.source, "target": rule.target, "equal": rule.equal}
        for number, rule in enumerate(script.inhibitions)
    ]
    return Plan.model_validate(json.loads(json.dumps({"routes": routes, "inhibit": inhibit})))
