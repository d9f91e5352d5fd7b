"""Runs the application under uvicorn, with a PostgreSQL of its own where none is configured."""

from __future__ import annotations

import fcntl
import os
import signal
import sys
from dataclasses import replace
from pathlib import Path

import uvicorn
from pydantic import SecretStr

from ..core.errors import Conflict
from ..core.files import open_private
from ..core.postgres import EmbeddedPostgres
from ..settings import Settings

POSTGRES_FOLDER = Path(".postgresql")
GRACE_SECONDS = 10


def run(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT; the embedded PostgreSQL is stopped after the workers."""
    # Because uvicorn raises the signal again after its shutdown, which would end us before `finally`.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    server = None if settings.database_url else EmbeddedPostgres(settings.root / POSTGRES_FOLDER)
    if server is not None:
        _be_the_only_one(settings.root / ".postgresql.lock")
    try:
        if server is not None:
            _say("Starting the embedded PostgreSQL (set DATABASE_URL to use your own)")
            # Because worker processes read their settings anew, they are told by the environment.
            os.environ["DATABASE_URL"] = server.start()
        host, port = settings.server.host, settings.server.port
        _say(f"Dashboard: http://{_shown(host)}:{port}/production/ (log in with the token of the setup)")
        _serve(settings)
    finally:
        if server is not None:
            _say("Stopping the embedded PostgreSQL")
            server.stop()


def with_running_database(settings: Settings) -> Settings:
    """The settings as the running application has them: with its embedded PostgreSQL, when there is one."""
    server = EmbeddedPostgres(settings.root / POSTGRES_FOLDER)
    if settings.database_url or not server.is_running():
        return settings
    return replace(
        settings, server=settings.server.model_copy(update={"database_url": SecretStr(server.url)})
    )


def _be_the_only_one(path: Path) -> None:
    """Hold a lock until this process ends: a second server would stop the first one's PostgreSQL."""
    descriptor = open_private(path, os.O_RDWR | os.O_CREAT)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise Conflict(
            "the application is already running from this folder",
            "Stop it first, or set DATABASE_URL to let several share one database.",
        ) from None


def _serve(settings: Settings) -> None:
    package = __package__.rpartition(".")[0]
    try:
        uvicorn.run(
            f"{package}.main:app",
            host=settings.server.host,
            port=settings.server.port,
            workers=settings.server.workers,
            # Because Atalaia writes the access line, and the peer's address must be the kernel's.
            access_log=False,
            proxy_headers=False,
            server_header=False,
            timeout_graceful_shutdown=GRACE_SECONDS,
        )
    except KeyboardInterrupt:
        return


def _shown(host: str) -> str:
    return "localhost" if host in {"0.0.0.0", "127.0.0.1", "::", "::1"} else host  # noqa: S104 compared, not bound


def _say(text: str) -> None:
    sys.stderr.write(f"==> {text}\n")
