"""Holds everything that is measured against the rules, and says what changed or is still so."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import islice
from pathlib import Path

from ...core.clock import Clock
from ...core.guard import guard
from ...core.measure import Measure, Sample, Vital
from ...core.signal import Condition, Emit, Signal
from .growth import Growth
from .memory import Memory, Said, keep, recall
from .phases import Instance, step
from .readings import Series
from .said import cleared, failed, failure_key_of, key_of, raised
from .standing import ERROR, STANDING, Watched, write_round
from .watches import Moment, Watch

SAY_AGAIN_SECONDS = 60.0
_KEEP_SECONDS = 60.0
_MOST_SERIES = 200
_RECENT = 30


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
        self._all = [Watched(watch, {}) for watch in make_watches(self._growth)]
        self._said: dict[str, Said] = {}
        self._looked_at: set[str] = set()
        self._recalled = False
        self._kept_at = float("-inf")

    def evaluate(self) -> None:
        """One round: read every value, move every condition, say what is to be said, remember it."""
        began = self._clock.monotonic()
        self._recall()
        moment = Moment(self._clock.now(), self._measures() if self._all else ())
        before = self._memory()
        for watched in self._all:
            self._round(watched, moment)
        self._clear_forgotten()
        self._keep(before, moment.seconds)
        seconds = self._clock.monotonic() - began
        write_round(self._path.with_name(STANDING), moment.seconds, seconds, os.getpid(), self._all)

    def _round(self, watched: Watched, moment: Moment) -> None:
        watch = watched.watch
        with guard(f"alerts.rule.{watch.key}"):
            found = watch.read(moment)
            self._clear(failure_key_of(watch))
            if found is not None:
                self._move(watched, found, moment)
            watched.enter(watched.worst(), moment.seconds)
            return
        watched.enter(ERROR, moment.seconds)
        self._say(failed(watch), watch, moment)

    def _move(self, watched: Watched, found: Mapping[Series, Sample], moment: Moment) -> None:
        for series in {**watched.instances, **dict(islice(found.items(), _MOST_SERIES))}:
            self._look(watched, series, found.get(series), moment)
        for series in watched.recent.keys() - found.keys() - watched.instances.keys():
            del watched.recent[series]

    def _look(self, watched: Watched, series: Series, sample: Sample | None, moment: Moment) -> None:
        """Move one condition on, and say it when it fires."""
        watch, last = watched.watch, watched.instances.pop(series, None)
        values = _seen(watched, series, sample)
        now = _moved(watch, last, sample, values, moment.seconds)
        if now is not None:
            watched.instances[series] = now
        if now is not None and now.phase.is_firing:
            recent = watched.recent.get(series, ())
            self._say(raised(watch, series, now, recent, sample), watch, moment)
        elif not self._clear(key_of(watch, series)) and len(values) >= watch.rule.samples:
            self._say_that_all_is_well(watch, series)

    def _say_that_all_is_well(self, watch: Watch, series: Series) -> None:
        """Once a process for shipped rules, so that what one that was killed left raised is over."""
        if watch.shipped is None or watch.shipped.expires_seconds is not None:
            return
        key = key_of(watch, series)
        if key not in self._looked_at:
            self._emit(cleared(watch, series))
            self._looked_at.add(key)

    def _say(self, signal: Signal, watch: Watch, moment: Moment) -> None:
        """Say it when it is new or worth something else, and again each minute."""
        said = self._said.get(signal.key)
        if said is not None and said.category is not signal.category:
            self._clear(signal.key)  # Because that is part of what an alert is known by.
        is_same = said is not None and said.severity is signal.severity
        if said is None or not is_same or not 0 <= moment.seconds - said.at < SAY_AGAIN_SECONDS:
            self._said[signal.key] = Said(
                signal.title,
                signal.severity,
                signal.category,
                signal.code,
                moment.seconds,
                signal.source,
                watch.key,
            )
            self._looked_at.add(signal.key)
            self._emit(signal)

    def _clear(self, key: str) -> bool:
        said = self._said.pop(key, None)
        if said is not None:
            title, severity, category, code = said.title, said.severity, said.category, said.code
            self._emit(Signal(said.source, key, title, severity, category, Condition.CLEARED, code=code))
        return said is not None

    def _clear_forgotten(self) -> None:
        """End the alerts of rules that are no longer there, or known by another name."""
        sources = {watched.watch.key: watched.watch.source for watched in self._all}
        for key, said in list(self._said.items()):
            rule = said.rule or key.removeprefix("rule:").partition("{")[0].removesuffix(":failed")
            if rule not in sources or (said.source != sources[rule] and not key.endswith(":failed")):
                self._clear(key)

    def _keep(self, before: Memory, now: float) -> None:
        after = self._memory()
        is_new = (before.instances, before.said) != (after.instances, after.said)
        if is_new or (after.points and now - self._kept_at >= _KEEP_SECONDS):
            keep(self._path, after)
            self._kept_at = now

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


def _seen(watched: Watched, series: Series, sample: Sample | None) -> Sequence[float]:
    """The last values of a series, the newest last, which is remembered; none where there is none now."""
    if sample is None:
        return ()
    recent = watched.recent.setdefault(series, deque(maxlen=max(_RECENT, watched.watch.rule.samples)))
    recent.append(sample.value)
    if isinstance(sample, Vital) and sample.before:
        return [*sample.before, sample.value]
    return list(recent)


def _moved(
    watch: Watch, last: Instance | None, sample: Sample | None, values: Sequence[float], now: float
) -> Instance | None:
    """The condition after one look; where a shipped rule finds nothing, it is over."""
    if sample is None and watch.shipped is not None:
        return None
    is_thin = isinstance(sample, Vital) and sample.is_thin
    return step(last, values, now, watch.rule, is_thin=is_thin)
