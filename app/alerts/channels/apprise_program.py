"""A program that sends one message by Apprise: JSON on its standard input, JSON on its output.

{"url", "title", "body", "seconds"} → {"ok", "reason"}; without a body it only looks at the URL. Run by
its path, it imports nothing of this package.
"""

from __future__ import annotations

import json
import logging
import re
import resource
import sys

from apprise import Apprise, AppriseAsset, NotifyFormat
from apprise.plugins.base import NotifyBase

_STATUS = re.compile(r"error=(\d{3})")
# Because its plug-ins read answers to their end, which some never have.
_MEMORY_BYTES = 1 << 30


class _Reason(logging.Handler):
    """Finds the status in what Apprise logs, and keeps nothing else of it: addresses hold secrets."""

    def __init__(self) -> None:
        super().__init__()
        self.status = ""

    def emit(self, record: logging.LogRecord) -> None:
        if found := _STATUS.search(record.getMessage()):
            self.status = f"status {found[1]}"


def _sent(url: str, title: str = "", body: str = "", seconds: float = 10.0) -> dict[str, object]:
    reason = _Reason()
    logging.getLogger("apprise").addHandler(reason)
    asset = AppriseAsset(async_mode=False, interpret_emojis=False, http_redirects=False, app_id="Atalaia")
    service = Apprise.instantiate(url, asset=asset, suppress_exceptions=True)
    if not isinstance(service, NotifyBase):
        return {"ok": False, "reason": "unknown"}
    if not body:
        return {"ok": True, "reason": ""}
    # Because the outbox has better pauses and retries.
    service.request_rate_per_sec, service.service_retry = 0, 0
    service.socket_connect_timeout = service.socket_read_timeout = seconds
    sent = Apprise(service, asset=asset).notify(title=title, body=body, body_format=NotifyFormat.TEXT)
    return {"ok": bool(sent), "reason": reason.status}


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_BYTES, _MEMORY_BYTES))
    json.dump(_sent(**json.load(sys.stdin)), sys.stdout)
