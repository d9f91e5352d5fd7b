"""The composition root: the only file that makes pages, channels and their jobs into a tower."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import Any

from starlette.types import Scope

from . import notices
from .alerts.channels import Channel
from .alerts.config import read_plan, rules_of
from .alerts.lanes import addressable
from .alerts.plan import Plan
from .alerts.rules.book import Rulebook
from .alerts.rules.readings import Sources
from .alerts.rules.shipping import limits
from .alerts.rules.watches import RuleSet
from .core.clock import Clock, SystemClock, rfc3339
from .core.guard import guard
from .core.health import Health
from .core.leader import Leader
from .core.measure import Measure
from .core.schedule import Schedule
from .core.workers import Workers
from .extensions import Extensions
from .logs.redact import redact_text
from .own_failures import OwnFailures
from .performance.rules import shipped, under
from .production.access import Decision
from .production.gate import source_in
from .services.automated_alerts import AlertSource, AutomatedAlerts, alerts
from .services.backup_system import BackupSystem
from .services.business_metrics import BusinessEvents, BusinessMetrics, metrics
from .services.performance_monitor import PerformanceMonitor
from .services.production_logger import ProductionLogger
from .settings import Settings
from .telling import channels_of, context_of, links_of, outside_of

_OWN_STATE = ("alerts/alerts.sqlite", "business_metrics/metrics.sqlite", "performance/performance.sqlite")


class Tower:
    """The five pages of one process.

    Without arguments for them, the module-level `metrics` and `alerts` write into this tower.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        clock: Clock | None = None,
        events: BusinessEvents = metrics,
        source: AlertSource = alerts,
        channels: Iterable[Channel] = (),
    ) -> None:
        self.settings, self.clock = settings, clock or SystemClock()
        self.started_at = self.clock.now()
        self.is_ready = False
        self._source, self._events = source, events
        self._to_join: list[Callable[[], None]] = []

        self.extensions = Extensions()
        self.own_failures = OwnFailures(source.observe, self.clock)
        self.logger = self._make_logger()
        self.metrics = self._make_metrics()
        links = links_of(settings)
        self.outside = outside_of(settings, links)
        told = [*channels_of(settings, context_of(settings, links, self.logger, self.clock)), *channels]
        by_themselves = shipped(settings.performance)
        plan = read_plan(settings.root / settings.alerts.config_file, addressable(told), by_themselves)
        rules = rules_of([plan], by_themselves)
        self.performance = self._make_performance(limits(rules.rules, by_themselves))
        self.alerts = self._make_alerts(told, plan, rules)
        self.rules = self._make_rules(rules)
        self.backup = self._make_backup()

        self.leader = Leader(settings.log_folder / ".leader")
        self.workers = Workers(settings.log_folder / ".workers")
        self.schedule = Schedule(self.leader)

    def start(self, loop: asyncio.AbstractEventLoop | None = None) -> None:
        """Open the journals, join the workers of this host and begin to work; `loop` is watched."""
        self.open()
        with guard("tower.start"):
            self.logger.start()
        self._to_join = [self.leader.start, lambda: self.workers.join(self.started_at)]
        with guard("tower.join"):
            self._join()
        self.performance.start(loop)
        self.alerts.start(lambda: self.leader.is_leader)
        self._plan()
        self.schedule.start()
        self.is_ready = True

    def open(self) -> None:
        """Say where the journals are; enough for a command that only records or raises."""
        self._events.journal.open(self.settings.log_folder / "business_metrics", self.clock)
        self.alerts.open()

    def stop(self) -> None:
        """End every thread and file; what is under way is finished or left resumable."""
        self.is_ready = False
        for step in (
            self.backup.stop,
            self.schedule.stop,
            self.alerts.stop,
            self.performance.stop,
            self.leader.stop,
            self.workers.leave,
            self.logger.stop,
            self.metrics.close,
            self._events.journal.close,
        ):
            with guard("tower.stop"):
                step()

    def components(self) -> dict[str, Health]:
        """The state of every page, of what they watch, and of the host's own health checks."""
        return {
            "logs": self.logger.health(),
            "metrics": self.metrics.health(),
            "performance": self.performance.health(),
            "alerts": self.alerts.health(),
            "backup": self.backup.health(),
            **self.performance.components(),
            "internal": self.own_failures.health(),
            **self.extensions.health(),
        }

    def measures(self) -> list[Measure]:
        """Everything measured, for the exposition."""
        pages = (self.logger, self.metrics, self.performance, self.alerts, self.backup, self.extensions)
        found: list[Measure] = []
        for page in pages:
            with guard(f"measures.{type(page).__name__}"):
                found.extend(page.measures())
        return found

    def tell(self, decision: Decision, scope: Scope) -> None:
        """Log a refusal, and what was done by whom; somebody who keeps guessing tokens is a signal."""
        client = source_in(scope)
        said: dict[str, Any] = {"reason": decision.reason, "identity": decision.identity, "client": client}
        said |= {"method": scope.get("method", ""), "path": scope["path"], "status": decision.status}
        if not decision.allowed:
            self.logger.security("access_refused", **said)
        elif said["method"] not in {"GET", "HEAD"}:
            self.logger.security("access_granted", **said)
        if decision.status == HTTPStatus.TOO_MANY_REQUESTS:
            self._source.observe(notices.access_attack(client))

    def _make_logger(self) -> ProductionLogger:
        settings = self.settings
        return ProductionLogger(
            settings.logs, settings.log_folder, self.clock, self._source.observe, settings.zone
        )

    def _make_metrics(self) -> BusinessMetrics:
        settings = self.settings
        return BusinessMetrics(
            _in_zone(settings.metrics, settings.zone.key),
            self._events,
            settings.log_folder / "business_metrics",
            self.clock,
            self._source.observe,
        )

    def _make_performance(self, thresholds: Mapping[str, tuple[float, float]]) -> PerformanceMonitor:
        settings = self.settings
        return PerformanceMonitor(
            under(settings.performance, thresholds),
            settings.log_folder / "performance",
            settings.database_url,
            self.clock,
            disks=[settings.backup_folder],
        )

    def _make_alerts(self, channels: list[Channel], plan: Plan, rules: RuleSet) -> AutomatedAlerts:
        settings = self.settings
        return AutomatedAlerts(
            _in_zone(settings.alerts, settings.zone.key),
            self._source,
            settings.log_folder / "alerts",
            channels,
            self.clock,
            redact=redact_text,
            plan=plan,
            rules=rules,
        )

    def _make_rules(self, rules: RuleSet) -> Rulebook:
        sources = Sources(self.performance.served, self.metrics.counted)

        def measures() -> list[Measure]:
            """What is judged from memory, and the rest only where a rule asks for it."""
            vitals = self.performance.vitals()
            names = {measure.name for measure in vitals}
            if rules.metrics <= names | shipped_metrics:
                return vitals
            return [*vitals, *(measure for measure in self.measures() if measure.name not in names)]

        shipped_metrics = {rule.given["metric"] for rule in rules.shipped}
        return Rulebook(
            partial(rules.watches, sources, zone=self.settings.zone),
            measures,
            self.settings.log_folder / "alerts" / "rules.json",
            self.clock,
            self._source.observe,
        )

    def _make_backup(self) -> BackupSystem:
        settings = self.settings
        return BackupSystem(
            _in_zone(settings.backup, settings.zone.key),
            settings.backup_folder,
            settings.database_url,
            self.clock,
            self._source.observe,
            offsite=settings.offsite,
            pgbackrest=settings.pgbackrest,
            sqlite=_sqlite_files(settings),
        )

    def _plan(self) -> None:
        every, performance = self.schedule.every, self.performance
        sample = self.settings.performance.sample_seconds
        every(1, "logs.retry", self.logger.retry)
        every(1, "logs.levels", self.logger.levels.follow)
        every(1, "logs.errors", self.logger.reading.fold_errors, for_leader=True)
        every(1, "journals.sync", self._sync)
        every(1, "metrics.fold", self.metrics.poll, for_leader=True)
        every(sample, "performance.sample_worker", performance.sample_worker)
        every(sample, "performance.sample_host", performance.sample_host, for_leader=True)
        database = self.settings.performance.database_interval_seconds
        every(database, "performance.sample_database", performance.sample_database, for_leader=True)
        external = self.settings.performance.external_interval_seconds
        every(external, "performance.sample_external", performance.sample_external, for_leader=True)
        every(10, "extensions", lambda: self.extensions.evaluate(self._source.observe), for_leader=True)
        every(10, "failures", self.own_failures.report)
        every(10, "alerts.rules", self.rules.evaluate, for_leader=True)
        every(1, "alerts.tick", self.alerts.tick, for_leader=True)
        vigil = self.alerts.vigil
        every(5, "alerts.live", vigil.live, for_leader=True)
        every(self.settings.alerts.heartbeat_seconds, "alerts.ping", vigil.ping, for_leader=True)
        every(60, "alerts.refresh", vigil.refresh, for_leader=True)
        every(60, "alerts.try_channels", vigil.try_channels, for_leader=True)
        every(15, "backup.run_due", self.backup.run_due, for_leader=True)
        every(15, "backup.sqlite_due", self.backup.sqlite_due, for_leader=True)
        every(15, "backup.copy_due", self.backup.copy_due, for_leader=True)
        every(15, "backup.watch", self.backup.inspection.watch, for_leader=True)
        every(2, "workers.join", self._join)
        every(2, "workers.bury", self._bury, for_leader=True)
        for page in (self.metrics, performance, self.alerts):
            every(3600, f"{type(page).__name__}.trim", page.trim, for_leader=True)

    def _sync(self) -> None:
        self._events.journal.sync()
        self._source.journal.sync()

    def _join(self) -> None:
        """Stand for leader and be counted; tried again while the folder cannot be written."""
        while self._to_join:
            self._to_join[0]()
            del self._to_join[0]

    def _bury(self) -> None:
        """Tell of the workers that died, but for those with whom all did: that is told already."""
        vigil = self.alerts.vigil
        if not vigil.is_on_watch:
            return
        seen = rfc3339(vigil.absence.since) if vigil.absence else ""
        all_died = not any(worker.started_at <= seen for worker in self.workers.alive())
        for worker in self.workers.bury():
            if worker.started_at > seen or not all_died:
                self._source.observe(notices.worker_died(worker))


def _sqlite_files(settings: Settings) -> dict[str, Path]:
    """The SQLite files to back up, by the names that the settings give them."""
    own = [str(settings.logs.dir / name) for name in _OWN_STATE] if settings.backup.own_state else []
    return {name: settings.root / name for name in (*settings.backup.sqlite, *own)}


def _in_zone(section: Any, zone: str) -> Any:
    return section if section.timezone else section.model_copy(update={"timezone": zone})
