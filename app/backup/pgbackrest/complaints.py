"""What pgBackRest says when it fails, as a fact and a hint."""

from __future__ import annotations

import re

from ...core.command import COMMAND
from ...core.errors import AtalaiaError, Unavailable
from ..model import CalledOff

_SAID = re.compile(r"^ERROR: \[(\d+)\]: (.*(?:\n[ \t]+.*)*)", re.MULTILINE)
_HINT = re.compile(r"\s*HINT: ")
_LOCKED, _MISSING, _CONNECT, _STOPPED, _ARCHIVE_TIMEOUT = 50, 55, 56, 62, 82
_HINTS = {
    _MISSING: f"Was `pgbackrest stanza-create` run? See: {COMMAND} backup check",
    _CONNECT: "See whether PostgreSQL runs, and pg1-path, pg1-port, pg1-socket-path and pg1-user.",
    _STOPPED: "Somebody ran `pgbackrest stop`: run `pgbackrest start`.",
    _ARCHIVE_TIMEOUT: "WAL is not archived: see archive_command and the server's log.",
}
_MOST_CHARS = 400
_ASIDE = re.compile(r"^raised from [\w-]+ protocol: | \[\w+\] on retry after \d+ms")


def complaint(command: str, code: int, words: str) -> AtalaiaError:
    """Of an exit code (negative: a signal) and what was said on standard error.

    CalledOff when another pgBackRest is at it, which is a reason to wait and not to alert.
    """
    said = _SAID.search(words)
    if said is None:
        how = f"was ended by signal {-code}" if code < 0 else f"failed with exit code {code}"
        last = words.strip().splitlines()[-1:] or [""]
        return Unavailable(
            f"pgbackrest {command} {how}" + (f": {last[0]}" if last[0] else ""),
            "See its log (log-path in its configuration).",
        )
    number, (fact, *hints) = int(said[1]), _HINT.split(said[2])
    fact = _ASIDE.sub("", " ".join(fact.split()))[:_MOST_CHARS]
    if number == _LOCKED:
        return CalledOff("another pgBackRest works on this stanza", "Wait for its end: see pgbackrest info.")
    hint = _HINTS.get(number) or " ".join(" ".join(hints).split())[:_MOST_CHARS]
    return Unavailable(f"pgbackrest {command} failed: {fact}", hint)
