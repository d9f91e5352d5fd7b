"""How this installation speaks, from its settings."""

from __future__ import annotations

import socket
from zoneinfo import ZoneInfo

from pydantic import SecretStr

from ..message import Style
from ..settings import AlertSettings

NOTHING = SecretStr("")
"""The secret that is not set."""


def style_of(settings: AlertSettings) -> Style:
    """Language, zone and the names of this server."""
    return Style(
        language=settings.language,
        host=settings.host_name or socket.gethostname(),
        dashboard_url=settings.dashboard_url,
        zone=ZoneInfo(settings.timezone) if settings.timezone else None,
    )
