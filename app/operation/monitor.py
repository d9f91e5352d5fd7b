"""Asks the running application how it is, as cron does: one line and an exit code."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from ..settings import ServerSettings

_SECONDS = 10
_EXIT_CODES = {"ok": 0, "degraded": 1, "down": 2}
_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}  # noqa: S104 compared, not bound


@dataclass(frozen=True, slots=True)
class Answer:
    """What the application said, or that it said nothing."""

    document: dict[str, Any]

    @property
    def exit_code(self) -> int:
        """0 ok, 1 degraded, 2 down or silent."""
        return _EXIT_CODES.get(str(self.document.get("status")), 2)

    @property
    def line(self) -> str:
        """STATUS and the reasons, in one line."""
        reasons = "; ".join(self.document.get("reasons", ()))
        return f"{str(self.document.get('status', 'down')).upper()} {reasons}".strip()


def ask(server: ServerSettings) -> Answer:
    """GET /production/system/status of the application that these settings describe."""
    host = _EVERYWHERE.get(server.host, server.host)
    base = f"http://{host}:{server.port}/production"
    status, document = _get(f"{base}/system/status")
    if status == HTTPStatus.UNAUTHORIZED:
        # Because it listens where the kernel cannot tell who we are, only the probe is left to ask.
        status, document = _get(f"{base}/health/ready")
        document.setdefault("reasons", ["details need a token here; asked health/ready instead"])
    if "status" not in document or not isinstance(document["status"], str):
        document = {"status": "down", "reasons": [f"unexpected answer: HTTP {status}"]}
    return Answer(document)


def _get(url: str) -> tuple[int, dict[str, Any]]:
    # Because a proxy of the environment has no business on the way to ourselves.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=_SECONDS) as answer:
            return answer.status, _document(answer.read())
    except urllib.error.HTTPError as error:
        with error:
            return error.code, _document(error.read())
    except OSError as error:
        reason = getattr(error, "reason", None) or error
        return 0, {"status": "down", "reasons": [f"no answer from {url}: {reason}"]}


def _document(body: bytes) -> dict[str, Any]:
    try:
        document = json.loads(body)
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}
