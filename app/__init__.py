"""Atalaia: production observability that lives inside a FastAPI application."""

from __future__ import annotations

from .core.health import Health, Level
from .core.signal import Category, Severity, Signal
from .embedding import Atalaia
from .services.automated_alerts import alerts
from .services.business_metrics import metrics
from .services.production_logger import log_execution_time, request_context

__all__ = [
    "Atalaia",
    "Category",
    "Health",
    "Level",
    "Severity",
    "Signal",
    "alerts",
    "log_execution_time",
    "metrics",
    "request_context",
]
