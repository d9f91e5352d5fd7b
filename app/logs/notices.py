"""What the logs say to the alerts page of what stands in them."""

from __future__ import annotations

from ..core.signal import Category, Severity, Signal
from .groups import Group

EXPIRES_SECONDS = 900.0

_TOLD_ELSEWHERE = ("atalaia.unhandled", "atalaia.alerts")
"""Loggers whose errors are signals already, or are about signals, which would go round for ever."""


def new_error(group: Group) -> Signal | None:
    """An error of a kind that was not in errors.log before; None where it is told in another way.

    Its key is that of unhandled exceptions of the same kind, so that they are one alert.
    """
    top = ".".join(group.logger.split(".")[:2])
    if top in _TOLD_ELSEWHERE:
        return None
    kind = group.type or group.logger
    return Signal(
        source="logs",
        key=group.fingerprint,
        code="new_error",
        title=f"New error: {kind}",
        message=_message(group),
        severity=Severity.MEDIUM,
        category=Category.SYSTEM,
        labels={
            "type": kind,
            "logger": group.logger,
            **({"culprit": group.culprit} if group.culprit else {}),
        },
        expires_seconds=EXPIRES_SECONDS,
    )


def _message(group: Group) -> str:
    error = group.example.get("exception")
    said = error.get("message", "") if isinstance(error, dict) else ""
    return ": ".join(part for part in (group.message, str(said)[:500]) if part)
