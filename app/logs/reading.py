"""What is asked of the logs: the newest records, those that come, and the kinds of errors."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import Any

from ..core.errors import InputRejected
from ..core.poll import Poll
from ..core.signal import Emit
from .error_index import MOST_GROUPS, ErrorIndex
from .generations import place_of
from .live import LiveEvents, Readers
from .matching import MOST_RECORDS, query
from .notices import new_error
from .search import search
from .streams import FILES

_MOST_SIGNALS = 20


class Reading:
    """Reads the log files of a folder, whoever writes them; each question may be asked by any thread.

    `flush` has what this process has logged written first.
    """

    def __init__(self, folder: Path, emit: Emit, flush: Callable[[], object]) -> None:
        self._folder = folder
        self._emit = emit
        self._flush = flush
        self._readers = Readers()
        self._errors = ErrorIndex(folder / "errors.log", folder / "error_groups" / "errors.sqlite")
        self._poll = Poll(self._errors.look)

    def recent(self, *, type: str = "app", cursor: str | None = None, **sent: Any) -> dict[str, Any]:
        """The newest records of one log that match, newest first; `sent` is what matching.query() takes.

        `cursor` goes on where another answer ended. InputRejected for bad values.
        """
        asked, live = query(**sent), self._live(type)
        self._flush()
        found = search(live, asked, cursor)
        return {
            "type": type,
            "records": found.records,
            "limit": asked.limit,
            "skipped": found.skipped,
            "complete": found.complete,
            "cursor": found.cursor,
        }

    def follow(
        self, *, type: str = "app", last: int = 10, after: str | None = None, **sent: Any
    ) -> LiveEvents:
        """The last records that match, or those after the id of an event, then those that come; to be closed.

        InputRejected for bad values, Unavailable when too many follow already.
        """
        asked, place = query(**sent), place_of(after) if after else None
        if not 0 <= last <= MOST_RECORDS:
            raise InputRejected(f"last is {last}", f"Choose from 0 to {MOST_RECORDS}.")
        self._flush()
        return LiveEvents(self._readers, self._live(type), asked, last=last, after=place)

    def errors(self, *, limit: int = 100, since: str | None = None, q: str | None = None) -> dict[str, Any]:
        """The kinds of errors in errors.log, those seen last first; InputRejected for bad values."""
        asked = query(limit=limit, since=since)
        self._flush()
        self._errors.fold()
        found = self._errors.newest(limit, asked.since, q)
        groups = [{**asdict(group), "culprit": group.culprit} for group in found]
        return {"errors": groups, "limit": limit, "total": self._errors.count()}

    def fold_errors(self) -> None:
        """Take in what is new in errors.log and signal new kinds of errors; for the leader, each second."""
        self._poll(self._fold_and_signal)

    def _fold_and_signal(self) -> int:
        lines = self._errors.fold()
        if new := self._errors.untold(MOST_GROUPS):
            for signal in islice(filter(None, map(new_error, new)), _MOST_SIGNALS):
                self._emit(signal)
            # Because a crash before this line tells again, under the same key, and one after it never.
            self._errors.tell(new)
        return lines + len(new)

    def close(self) -> None:
        """Let go of the index; the next question opens it again."""
        self._errors.close()

    def _live(self, type: str) -> Path:
        if type not in FILES:
            raise InputRejected(f"there is no log {type!r}", f"Choose one of {', '.join(FILES)}.")
        return self._folder / f"{type}.log"
