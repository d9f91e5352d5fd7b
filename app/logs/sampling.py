"""Lets a call that is made very often write less: its first records of each second, then one in so many."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from dataclasses import dataclass

from .settings import LogSettings
from .streams import SPECIALISED

_MOST_SITES = 4_096


@dataclass(frozen=True, slots=True)
class LeftOut:
    """How many records of one call were left out since this was last told, and what the last one said."""

    logger: str
    level: int
    place: bytes
    count: int
    message: str


@dataclass(slots=True)
class _Site:
    second: int = 0
    seen: int = 0
    left_out: int = 0
    message: str = ""


class Sampler:
    """Decides for each record of `level` and below; a call is known by its logger, level and place.

    Records of the specialised loggers and our own are always written: an audit has no samples.
    """

    def __init__(self, first: int, thereafter: int, level: int) -> None:
        self.left_out = 0
        """How many records were left out since the process began."""
        self._first = first
        self._thereafter = thereafter
        self._level = level
        self._lock = threading.Lock()
        self._sites: dict[tuple[str, int, bytes], _Site] = {}

    def leaves_out(self, logger: str, level: int, place: bytes, micros: int, message: str) -> bool:
        """Whether a record, made `micros` after 1970, is to be left out; counted where it is."""
        if level > self._level or logger.partition(".")[0] in _ALWAYS:
            return False
        with self._lock:
            site = self._site(logger, level, place)
            second = micros // 1_000_000
            if second != site.second:
                site.second, site.seen = second, 0
            site.seen += 1
            past = site.seen - self._first
            if past <= 0 or past % self._thereafter == 0:
                return False
            site.left_out += 1
            site.message = message
            self.left_out += 1
            return True

    def take(self) -> Iterator[LeftOut]:
        """What was left out since the last time."""
        with self._lock:
            found = [(key, site) for key, site in self._sites.items() if site.left_out]
            told = [LeftOut(*key, site.left_out, site.message) for key, site in found]
            for _, site in found:
                site.left_out = 0
        yield from told

    def _site(self, logger: str, level: int, place: bytes) -> _Site:
        key = (logger, level, place)
        site = self._sites.get(key)
        if site is None:
            if len(self._sites) >= _MOST_SITES:
                # Because what was left out must still be told.
                self._sites = {key: site for key, site in self._sites.items() if site.left_out}
            site = self._sites[key] = _Site()
        return site


_ALWAYS = SPECIALISED | {"atalaia"}


def sampler_of(settings: LogSettings) -> Sampler | None:
    """What the settings ask for; None where every record is written."""
    if settings.sample_first == 0:
        return None
    level = logging.getLevelNamesMapping()[settings.sample_level]
    return Sampler(settings.sample_first, settings.sample_thereafter, level)
