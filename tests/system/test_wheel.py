"""The wheel installs as `atalaia` beside a host application that is called `app` itself."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from .server import REPOSITORY

HOST = """
from fastapi import FastAPI
from atalaia import Atalaia, metrics
import atalaia

app = FastAPI()
Atalaia().install(app)

@app.get("/hello")
def hello():
    return {"kept": metrics.record("hello")}
"""

CLIENT = """
import asyncio, httpx
from app.main import app

async def main():
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app, client=("10.0.0.1", 1))
        async with httpx.AsyncClient(transport=transport, base_url="http://host") as client:
            print((await client.get("/hello")).json()["kept"])
            print((await client.get("/production/health/live")).status_code)
            print((await client.get("/production/system/status")).status_code)

asyncio.run(main())
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the unpacked wheel and a host application named `app`."""
    folder = tmp_path_factory.mktemp("site")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=REPOSITORY, check=True, capture_output=True, timeout=100)
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as packed:
        packed.extractall(folder)
    (folder / "app").mkdir()
    (folder / "app" / "main.py").write_text(HOST)
    return folder


def test_a_host_called_app_embeds_atalaia(site: Path) -> None:
    """Its own route records an event, probes answer, and strangers are refused."""
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(site), "PERFORMANCE_EXTERNAL_SERVICES": ""}
    done = subprocess.run(
        [sys.executable, "-c", CLIENT],
        cwd=site, env=environment, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.stdout.split() == ["True", "200", "401"], done.stderr
    assert list((site / "logs" / "business_metrics").glob("*.jsonl"))


def test_the_command_line_is_there(site: Path) -> None:
    """`atalaia` runs from the wheel as `python -m app` does in the checkout."""
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(site)}
    done = subprocess.run(
        [sys.executable, "-m", "atalaia", "settings"],
        cwd=site, env=environment, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "BACKUP_TIME" in done.stdout


def test_hints_name_the_commands_that_are_there(site: Path) -> None:
    """What an operator is told to type is what the installation has."""
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(site), "DATABASE_URL": "postgresql://x/y"}
    done = subprocess.run(
        [sys.executable, "-m", "atalaia", "backup", "drill", "nothing"],
        cwd=site, env=environment, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert "HINT: See: atalaia backup list" in done.stderr


def test_nothing_but_the_package_is_in_the_wheel(site: Path) -> None:
    """No test, log or setting travels along; the page's style does."""
    assert sorted(
        path.name for path in site.iterdir() if path.is_dir() and path.name not in {"app", "logs", "backups"}
    ) == [
        "atalaia",
        *sorted(path.name for path in site.glob("*.dist-info")),
    ]
    assert (site / "atalaia" / "dashboard" / "style.css").exists()
