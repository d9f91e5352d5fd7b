"""What `pgbackrest verify` found, which its exit code does not tell: it is 0 for a damaged repository too."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ...core.errors import Unavailable

_STATUS = re.compile(r"^status: (\w+)", re.MULTILINE)
_ARCHIVE = re.compile(r"^  archiveId: (\S+), (total WAL checked: (\d+), total valid WAL: (\d+))")
_BACKUP = re.compile(r"^  backup: (\S+), status: ([\w -]+), (total files checked: .*)$")
_COUNTS = re.compile(r"^    (missing|checksum|size|other).*$")
_BAD_COUNT = re.compile(r"(\w[\w ]*): ([1-9]\d*)")
_NAMED = re.compile(r"invalid checksum '[^/']+/[^/']+/([0-9A-F]{24})-", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Verification:
    """What is wrong with each backup, nothing where it is sound; likewise of each archive.

    `bad_segments` are pieces of the log whose content is not what was archived.
    """

    backups: dict[str, str]
    archives: dict[str, str]
    bad_segments: frozenset[str] = frozenset()


def parse_verification(text: str) -> Verification:
    """Unavailable when it says nothing that is known."""
    lines = text.splitlines()
    if not _STATUS.search(text):
        raise Unavailable("the answer of pgbackrest verify is not understood", "Run it by hand.")
    backups: dict[str, str] = {}
    archives: dict[str, str] = {}
    for number, line in enumerate(lines):
        counts = lines[number + 1] if number + 1 < len(lines) else ""
        bad = ", ".join(f"{what}: {many}" for what, many in _BAD_COUNT.findall(counts))
        if found := _ARCHIVE.match(line):
            archives[found[1]] = "" if found[3] == found[4] else (_COUNTS.match(counts) and bad) or found[2]
        elif (found := _BACKUP.match(line)) and found[2] != "in-progress":
            is_sound = found[2] == "valid"
            backups[found[1]] = "" if is_sound else (_COUNTS.match(counts) and bad) or found[2]
    return Verification(backups, archives, frozenset(_NAMED.findall(text)))
