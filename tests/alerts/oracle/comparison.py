"""Where our engine and Alertmanager tell the same, and the one place where they differ on purpose."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

from .script import Script, Situation

Believed = frozenset[tuple[str, str]]
"""(lane, key) of what a lane takes to be firing."""


def differences(script: Script, ours: Sequence[Believed], theirs: Sequence[Believed]) -> list[str]:
    """What lanes believe by one engine and not by the other, but for ends that only we tell."""
    found = []
    for half, (own, other, kept) in enumerate(zip(ours, theirs, ends_kept_back(script), strict=True)):
        more = {(lane, key) for lane, key in other - own if key not in kept}
        if own - other or more:
            found.append(f"{script.name} at {half / 2:g}: ours {sorted(own - other)}, theirs {sorted(more)}")
    return found


def ends_kept_back(script: Script) -> Iterator[frozenset[str]]:
    """After each half of a tick: what ended while it was silenced or inhibited.

    Alertmanager says nothing of such an end, so that who was told goes on believing that it fires,
    at the longest until it does.
    """
    situation, kept = Situation(script), set[str]()
    for tick, act in enumerate(script.acts):
        for ended in (partial(situation.happen, act, tick), partial(situation.pass_to, tick + 0.5)):
            kept |= {key for key in ended() if situation.is_muted(key)}
            kept -= {key for key in situation.firing if not situation.is_muted(key)}
            yield frozenset(kept)
