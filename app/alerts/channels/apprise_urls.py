"""Tells by any of the services that Apprise knows: Telegram, Discord, Teams, ntfy and some 170 more.

Settings: ALERT_APPRISE_URLS, ALERT_APPRISE_MINIMUM_SEVERITY; needs the extra `more-channels`.

Each URL is a channel of its own. Apprise does not say whether trying again can help, so every failure
passes. It runs in a process of its own, half a second a message, which is the only way to end it: it
reads answers without an end, and its own retries, pauses and logs are better left alone.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from ...core.errors import DeliveryFailed
from ...core.signal import Severity
from ..message import Style, compose
from ..model import Limits, Notice, Receipt
from ..rendering import as_text, defused
from ..settings import AlertSettings
from .style import NO_CONTEXT, Context, style_of

_LIMITS = Limits(3, 1.0)
_TEXT = 3_000
# Because without -P the folder of the program would come before the standard library.
_PROGRAM = (sys.executable, "-P", str(Path(__file__).with_name("apprise_program.py")))


@dataclass(frozen=True)
class AppriseChannel:
    """One URL."""

    url: SecretStr
    style: Style
    minimum_severity: Severity = Severity.HIGH
    deadline_seconds: float = 12.0
    limits: Limits = _LIMITS
    costs_money: bool = True  # Because some of its services do, and nobody knows which.

    @classmethod
    def all_from_settings(
        cls, settings: AlertSettings, context: Context = NO_CONTEXT
    ) -> list[AppriseChannel]:
        """A channel for each URL."""
        style, severity = style_of(settings, context), settings.apprise_minimum_severity
        urls = dict.fromkeys(settings.apprise_urls.get_secret_value().split())
        return [cls(SecretStr(url), style, severity) for url in urls]

    @property
    def name(self) -> str:
        """The service, and six digits that tell one URL from another without showing it."""
        url = self.url.get_secret_value()
        return f"apprise-{url.partition('://')[0][:20].lower()}-{sha256(url.encode()).hexdigest()[:6]}"

    def deliver(self, notice: Notice) -> Receipt:
        message = compose(notice, self.style)
        # Because some services call everybody whom a text names.
        title, text = defused(f"{message.mark} {message.headline}"), defused(as_text(message))
        body = text if len(text) <= _TEXT else f"{text[: _TEXT - 1]}…"
        self._run(title=title[:200], body=body)
        return Receipt()

    def check(self) -> None:
        self._run()

    def _run(self, **message: str) -> None:
        if find_spec("apprise") is None:
            raise DeliveryFailed("Apprise is not installed", "pip install 'atalaia[more-channels]'")
        said = {"url": self.url.get_secret_value(), "seconds": self.deadline_seconds, **message}
        answer = self._answer(json.dumps(said))
        if not answer.get("ok"):
            raise self._failure(str(answer.get("reason", "")))

    def _answer(self, said: str) -> Mapping[str, Any]:
        try:
            ran = subprocess.run(
                _PROGRAM,
                input=said,
                capture_output=True,
                text=True,
                check=False,
                timeout=self.deadline_seconds,
            )
            found = json.loads(ran.stdout)
        except subprocess.TimeoutExpired:
            fact = f"{self.name} did not finish within {self.deadline_seconds:g} s"
            raise DeliveryFailed(fact, "See whether the network reaches it.", uncertain=True) from None
        except (OSError, ValueError):
            raise DeliveryFailed(f"{self.name} broke off") from None
        return found if isinstance(found, dict) else {}

    def _failure(self, reason: str) -> DeliveryFailed:
        if reason == "unknown":
            hint = "Check ALERT_APPRISE_URLS by https://appriseit.com/services/."
            return DeliveryFailed(f"{self.name} is no URL that Apprise knows", hint, permanent=True)
        fact = f"{self.name} could not deliver{f' ({reason})' if reason else ''}"
        return DeliveryFailed(fact, "Try it by hand: apprise -vv -b test 'URL'.")
