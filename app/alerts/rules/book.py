"""Holds everything that is measured against the rules, and says what changed or is still so."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ...core.clock import Clock
from ...core.guard import guard
from ...core.measure import Measure
from ...core.signal import Condition, Emit, Signal
from .growth import Growth
from .memory import Memory, Said, keep, recall
from .phases import Instance, step
from .readings import Series
from .said import failed, failure_key_of, key_of, raised
from .watches import Moment, Watch

SAY_AGAIN_SECONDS = 60.0
_KEEP_SECONDS = 60.0
_MOST_SERIES = 200
_RECENT = 30


@dataclass(slots=True)
class _Watched:
    """A watch, its conditions that are not inactive, and the last values of each series."""

    watch: Watch
    instances: dict[Series, Instance]
    recent: dict[Series, deque[float]] = field(default_factory=dict)


class Rulebook:
    """The rules of one host, for the worker that leads; `path` is where it remembers across restarts."""

    def __init__(
        self,
        make_watches: Callable[[Growth], Iterable[Watch]],
        measures: Callable[[], Sequence[Measure]],
        path: Path,
        clock: Clock,
        emit: Emit,
    ) -> None:
        self._measures = measures
        self._path, self._clock, self._emit = path, clock, emit
        self._growth = Growth()
        self._all = [_Watched(watch, {}) for watch in make_watches(self._growth)]
        self._said: dict[str, Said] = {}
        self._recalled = False
        self._kept_at = float("-inf")

    def evaluate(self) -> None:
        """One round: read every value, move every condition, say what is to be said, remember it."""
        self._recall()
        moment = Moment(self._clock.now(), self._measures() if self._all else ())
        before = self._memory()
        for watched in self._all:
            self._round(watched, moment)
        self._clear_forgotten()
        now = self._memory()
        is_new = (before.instances, before.said) != (now.instances, now.said)
        if is_new or (now.points and moment.seconds - self._kept_at >= _KEEP_SECONDS):
            keep(self._path, now)
            self._kept_at = moment.seconds

    def document(self) -> list[dict[str, Any]]:
        """Every watch with its conditions and last values, for people."""
        self._recall()
        return [_document(watched) for watched in self._all]

    def _round(self, watched: _Watched, moment: Moment) -> None:
        watch = watched.watch
        with guard(f"alerts.rule.{watch.key}"):
            found = watch.read(moment)
            self._clear(failure_key_of(watch))
            self._move(watched, found, moment)
            return
        self._say(failed(watch), moment)

    def _move(self, watched: _Watched, found: Mapping[Series, float], moment: Moment) -> None:
        watch = watched.watch
        for series in {**watched.instances, **dict(list(found.items())[:_MOST_SERIES])}:
            value = found.get(series)
            if value is not None:
                watched.recent.setdefault(series, deque(maxlen=_RECENT)).append(value)
            now = step(watched.instances.pop(series, None), value, moment.seconds, watch.rule)
            if now is not None:
                watched.instances[series] = now
            if now is not None and now.phase.is_firing:
                self._say(raised(watch, series, now, list(watched.recent.get(series, ()))), moment)
            else:
                self._clear(key_of(watch, series))
        for series in watched.recent.keys() - found.keys() - watched.instances.keys():
            del watched.recent[series]

    def _say(self, signal: Signal, moment: Moment) -> None:
        """Say it when it is new, and again each minute."""
        said = self._said.get(signal.key)
        if said is None or not 0 <= moment.seconds - said.at < SAY_AGAIN_SECONDS:
            self._said[signal.key] = Said(
                signal.title, signal.severity, signal.category, signal.code, moment.seconds
            )
            self._emit(signal)

    def _clear(self, key: str) -> None:
        said = self._said.pop(key, None)
        if said is not None:
            title, severity, category, code = said.title, said.severity, said.category, said.code
            self._emit(Signal("alerts", key, title, severity, category, Condition.CLEARED, code=code))

    def _clear_forgotten(self) -> None:
        """End the alerts of rules that are no longer in the file."""
        known = {f"rule:{watched.watch.key}" for watched in self._all}
        for key in list(self._said):
            if key.partition("{")[0].removesuffix(":failed") not in known:
                self._clear(key)

    def _recall(self) -> None:
        if self._recalled:
            return
        memory = recall(self._path)
        self._said = dict(memory.said)
        self._growth.points.update({name: dict(series) for name, series in memory.points.items()})
        for watched in self._all:
            watched.instances.update(memory.instances.get(watched.watch.key, ()))
        self._recalled = True

    def _memory(self) -> Memory:
        return Memory(
            {one.watch.key: list(one.instances.items()) for one in self._all if one.instances},
            dict(self._said),
            {name: list(series.items()) for name, series in self._growth.points.items()},
        )


def _document(watched: _Watched) -> dict[str, Any]:
    rule = watched.watch.rule
    return {
        "name": watched.watch.key,
        "title": rule.shown_title,
        "condition": f"{rule.operator} {rule.value:g}",
        "severity": rule.severity,
        "values": [
            {"labels": dict(series), "value": values[-1], "phase": _phase(watched.instances.get(series))}
            for series, values in sorted(watched.recent.items())
        ],
    }


def _phase(instance: Instance | None) -> str:
    return "inactive" if instance is None else instance.phase
