"""Links by which whoever got a message says that they are on it: signed, and of use for some time only."""

from __future__ import annotations

import hmac
import os
import re
from base64 import urlsafe_b64encode
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from secrets import token_bytes, token_hex

from ..core.errors import InputRejected
from ..core.files import open_private, private_folder
from .model import Alert

_PARTS = re.compile(r"([0-9a-z]{1,40})\.([0-9a-f]{1,12})\.([\w-]{22})", re.ASCII)
_WRONG = "the link is not one of ours"


@dataclass(frozen=True)
class Links:
    """Makes and reads them with a key of this installation, kept as <folder>/link.key, mode 0600.

    `address` is that of /production/ as readers of messages reach it, "" when they do not.
    """

    folder: Path
    address: str = ""
    hours: int = 72

    def url(self, alert: Alert) -> str:
        """The link for an alert, "" where there is none; it ends `hours` after the alert was last seen."""
        if not (self.address and self.hours and alert.is_active):
            return ""
        until = f"{int((alert.seen_at + timedelta(hours=self.hours)).timestamp()):x}"
        token = f"{alert.id}.{until}.{self._signature(alert.id, until)}"
        return f"{self.address.rstrip('/')}/acknowledge?t={token}"

    def alert_of(self, token: str, now: datetime) -> str:
        """The id of the alert that a token is about; InputRejected when it is forged or has ended."""
        match = _PARTS.fullmatch(token)
        if match is None or not hmac.compare_digest(match[3], self._signature(match[1], match[2])):
            raise InputRejected(_WRONG, "Open the link as it stands in the message.")
        if now >= datetime.fromtimestamp(int(match[2], 16), UTC):
            raise LinkEnded("the link has ended", "Acknowledge the alert on the dashboard.")
        return match[1]

    def _signature(self, alert_id: str, until: str) -> str:
        digest = hmac.digest(self._key, f"acknowledge.{alert_id}.{until}".encode(), "sha256")
        return urlsafe_b64encode(digest[:16]).rstrip(b"=").decode()

    @cached_property
    def _key(self) -> bytes:
        path = self.folder / "link.key"
        if not path.exists():
            _make(path)
        return path.read_bytes()


class LinkEnded(InputRejected):
    """The link was one of ours, and is too old."""


def _make(path: Path) -> None:
    """A key, unless another worker or thread has made one meanwhile: then that one stays."""
    part = private_folder(path.parent) / f".{path.name}.{token_hex(8)}"
    with os.fdopen(open_private(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL), "wb") as file:
        file.write(token_bytes(32))
        file.flush()
        os.fsync(file.fileno())
    with suppress(FileExistsError):
        path.hardlink_to(part)
    part.unlink()
