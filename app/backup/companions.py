"""What belongs to a backup beside its file: the server's roles, a copy in another place."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class RolesFile:
    """The roles beside a dump; `unread` says why there are none."""

    file: str = ""
    sha256: str = ""
    unread: str = ""


@dataclass(frozen=True, slots=True)
class SecondCopy:
    """A backup in another place: what its file is there, which is another one when it is `encrypted`."""

    place: str
    file: str
    copied_at: datetime
    size_bytes: int
    sha256: str
    encrypted: bool = False
