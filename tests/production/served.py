"""A tower of real pages below /production of a host application, asked without a network."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from app.alerts.settings import AlertSettings
from app.backup.settings import BackupSettings
from app.core.health import Health
from app.core.journal import Journal
from app.core.workers import Worker
from app.logs.settings import LogSettings
from app.metrics.settings import MetricsSettings
from app.performance.settings import PerformanceSettings
from app.production.alert_links import Outside
from app.production.application import Served, surround
from app.production.settings import AccessSettings
from app.production.system import SystemView
from app.production.tokens import Role, new_token
from app.services.automated_alerts import AlertSource, AutomatedAlerts
from app.services.backup_system import BackupSystem
from app.services.business_metrics import BusinessEvents, BusinessMetrics
from app.services.performance_monitor import PerformanceMonitor
from app.services.production_logger import ProductionLogger
from app.testing import FrozenClock, RecordingEmit

OPERATOR, OPERATOR_ENTRY = new_token(Role.OPERATE)
READER, READER_ENTRY = new_token(Role.READ)


class Tower:
    """The pages, and a host around which they are put; `host` may still be given routes."""

    def __init__(self, folder: Path, *, database_url: str = "", outside: Outside | None = None) -> None:
        self.outside = outside or Outside()
        self.clock, self.emit = FrozenClock(), RecordingEmit()
        self.components: dict[str, Health] = {"database": Health()}
        self.is_ready = True
        self.cards: dict[str, dict[str, Any]] = {}
        self.host = FastAPI()
        self.logger = ProductionLogger(LogSettings(), folder, self.clock, self.emit)
        self.source = AlertSource(Journal("alerts"))
        self.events = BusinessEvents(Journal("metrics"))
        self.alerts = AutomatedAlerts(AlertSettings(), self.source, folder / "alerts", [], self.clock)
        self.metrics = BusinessMetrics(
            MetricsSettings(timezone="America/Sao_Paulo"),
            self.events,
            folder / "metrics",
            self.clock,
            self.emit,
        )
        self.performance = PerformanceMonitor(
            PerformanceSettings(external_services=()), folder / "performance", "", self.clock
        )
        self.backup = BackupSystem(
            BackupSettings(timezone="UTC", drill="off"),
            folder / "backups",
            database_url,
            self.clock,
            self.emit,
        )
        self.events.journal.open(folder / "metrics", self.clock)
        self.alerts.open()
        self.performance.start(None)
        self.logger.start()
        access = AccessSettings(tokens=f"{OPERATOR_ENTRY},{READER_ENTRY}")
        surround(
            self.host,
            self.served(),
            access=access,
            clock=self.clock,
            on_decision=lambda *_: None,
        )

    def served(self) -> Served:
        """As the wiring does it."""
        view = SystemView(
            version="1.2.3",
            started_at=self.clock.now(),
            now=self.clock.now,
            workers=lambda: [Worker(7, "2026-11-23T12:00:00Z")],
            leader=lambda: 7,
            components=lambda: self.components,
        )
        return Served(
            logger=self.logger,
            metrics=self.metrics,
            performance=self.performance,
            alerts=self.alerts,
            backup=self.backup,
            system=view,
            measures=self.alerts.measures,
            is_ready=lambda: self.is_ready,
            cards=lambda: self.cards,
            outside=self.outside,
        )

    def stop(self) -> None:
        """Close every file, and give logging back."""
        self.logger.stop()
        self.backup.stop()
        self.performance.stop()
        self.alerts.stop()
        self.metrics.close()
        self.events.journal.close()

    def ask(self, method: str, path: str, **options: Any) -> httpx.Response:
        """One request, in an event loop of its own; see asking()."""
        return asyncio.run(self.asking(method, path, **options))

    async def asking(
        self, method: str, path: str, *, token: str | None = OPERATOR, root_path: str = "", **options: Any
    ) -> httpx.Response:
        """One request with this token, or without any."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        headers |= options.pop("headers", {})
        transport = httpx.ASGITransport(self.host, raise_app_exceptions=False, root_path=root_path)
        async with httpx.AsyncClient(transport=transport, base_url="http://tower") as client:
            return await client.request(method, path, headers=headers, **options)


@pytest.fixture
def tower(tmp_path: Path) -> Iterator[Tower]:
    """A tower that watches no database; its files are closed afterwards."""
    made = Tower(tmp_path)
    yield made
    made.stop()
