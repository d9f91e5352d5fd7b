"""How this installation speaks, from its settings and from what others know of an alert."""

from __future__ import annotations

import socket
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from pydantic import SecretStr

from ...core.errors import DeliveryFailed
from ..links import Links
from ..message import Style
from ..model import Alert
from ..settings import AlertSettings
from .deadline import within

NOTHING = SecretStr("")
"""The secret that is not set."""

_LINES_SECONDS = 1.0


@dataclass(frozen=True)
class Context:
    """What messages hold beside their alert.

    recent_lines: labels of an alert → log lines that have to do with it, oldest first, without secrets.
    """

    links: Links | None = None
    recent_lines: Callable[[Mapping[str, str]], Sequence[str]] = lambda _: ()


NO_CONTEXT = Context()


def style_of(settings: AlertSettings, context: Context = NO_CONTEXT) -> Style:
    """Language, zone, the names of this server, and where the rest of a message comes from."""

    def recent_lines(alert: Alert) -> Sequence[str]:
        # Because a log on a disk that hangs must not keep a message from being sent.
        with suppress(DeliveryFailed):
            return within(_LINES_SECONDS, "the log", lambda _: context.recent_lines(alert.labels))
        return ()

    return Style(
        language=settings.language,
        host=settings.host_name or socket.gethostname(),
        dashboard_url=settings.dashboard_url,
        zone=ZoneInfo(settings.timezone) if settings.timezone else None,
        acknowledge_url=context.links.url if context.links else lambda _: "",
        recent_lines=recent_lines,
    )
