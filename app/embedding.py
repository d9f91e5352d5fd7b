"""Atalaia in a host application: installed in one line, extended by decorators."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from functools import cached_property
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from fastapi import FastAPI

from .alerts.channels import Channel
from .extensions import Card, HealthCheck, Probe, Rule
from .production.application import Served, surround
from .production.system import SystemView
from .settings import Settings, load
from .wiring import Tower


class Atalaia:
    """Puts a tower into a FastAPI application.

        app = FastAPI()
        Atalaia().install(app)

    Without `settings` they are read from config/production.env below the working directory and from the
    environment. `channels` are alert channels of the host's own, beside those of the settings.
    """

    def __init__(self, settings: Settings | None = None, *, channels: Iterable[Channel] = ()) -> None:
        self._settings = settings
        self._channels = tuple(channels)

    @cached_property
    def tower(self) -> Tower:
        """The tower of this process; reading the settings may raise SettingsError."""
        return Tower(self._settings or load(), channels=self._channels)

    def install(self, app: FastAPI) -> Atalaia:
        """Watch `app` and serve /production/*; the host keeps its own lifespan."""
        tower = self.tower
        surround(
            app,
            self.served(),
            access=tower.settings.access,
            clock=tower.clock,
            on_decision=tower.tell,
        )
        hosts_own = app.router.lifespan_context

        @asynccontextmanager
        async def lifespan(host: Any) -> AsyncIterator[Any]:
            tower.start(asyncio.get_running_loop())
            try:
                async with hosts_own(host) as state:
                    yield state
            finally:
                # Because a dump or a message that is under way may take seconds to end.
                await asyncio.to_thread(tower.stop)

        app.router.lifespan_context = lifespan
        return self

    def served(self) -> Served:
        """What the HTTP room serves of this tower."""
        tower = self.tower
        view = SystemView(
            version=product_version(),
            started_at=tower.started_at,
            now=lambda: tower.clock.now().astimezone(tower.settings.zone),
            workers=tower.workers.alive,
            leader=tower.leader.holder,
            components=tower.components,
        )
        return Served(
            logger=tower.logger,
            metrics=tower.metrics,
            performance=tower.performance,
            alerts=tower.alerts,
            backup=tower.backup,
            system=view,
            measures=tower.measures,
            is_ready=lambda: tower.is_ready,
            cards=tower.extensions.shown_cards,
            outside=tower.outside,
        )

    def health_check(self, name: str) -> Callable[[HealthCheck], HealthCheck]:
        """Show a component of the host's own in the status: a function that answers a Health.

        It is asked in a thread for each status; what it raises counts as down.
        """

        def register(check: HealthCheck) -> HealthCheck:
            self.tower.extensions.health_checks[name] = check
            return check

        return register

    def probe(
        self, name: str, *, warning: float | None = None, critical: float | None = None
    ) -> Callable[[Callable[[], float]], Callable[[], float]]:
        """Read a figure each 10 s in the leading process; exported, and an alert from a threshold on."""

        def register(read: Callable[[], float]) -> Callable[[], float]:
            self.tower.extensions.probes[name] = Probe(name, read, warning, critical)
            return read

        return register

    def rule(self, rule: Rule) -> Rule:
        """An alert rule of the host's own: each 10 s, in the leading process, it answers Signals."""
        self.tower.extensions.rules.append(rule)
        return rule

    def card(self, title: str) -> Callable[[Card], Card]:
        """A card on the dashboard: a function that answers name and value pairs, asked for each page."""

        def register(card: Card) -> Card:
            self.tower.extensions.cards[title] = card
            return card

        return register


def product_version() -> str:
    """The installed version; in a checkout, where nothing is installed, "checkout"."""
    try:
        return version("atalaia")
    except PackageNotFoundError:
        return "checkout"
