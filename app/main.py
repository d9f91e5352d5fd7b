"""The FastAPI application of this repository: a WhatsApp agent's webhook, watched by Atalaia."""

from __future__ import annotations

import asyncio
import contextlib
import multiprocessing
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from .embedding import Atalaia
from .settings import Settings, load
from .whatsapp import WhatsApp


def create_app(settings: Settings | None = None) -> FastAPI:
    """The whole application; without settings they are read from the working directory."""
    settings = settings or load()
    atalaia = Atalaia(settings)
    whatsapp = WhatsApp(settings.whatsapp, settings.database_url)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        tasks = [asyncio.create_task(whatsapp.close_silent_for_ever()), asyncio.create_task(_follow_parent())]
        atalaia.tower.performance.watch_engine(whatsapp.engine)
        yield
        for task in tasks:
            task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.gather(*tasks)
        whatsapp.close()

    app = FastAPI(title="WhatsApp agent", lifespan=lifespan)
    app.include_router(whatsapp.router())
    atalaia.install(app)
    return app


async def _follow_parent() -> None:
    """End with uvicorn's supervisor: a worker that outlived it would go on answering and scheduling."""
    parent = multiprocessing.parent_process()
    if parent is None:
        return
    while parent.is_alive():  # noqa: ASYNC110 because nobody tells a process that its parent died
        await asyncio.sleep(1)
    os.kill(os.getpid(), signal.SIGTERM)


def __getattr__(name: str) -> FastAPI:
    """`uvicorn app.main:app` makes the application when it asks for it, not when this is imported."""
    if name == "app":
        return create_app()
    raise AttributeError(name)
