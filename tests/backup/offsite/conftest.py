"""The real servers, one of each a test process, and a place of each kind."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.backup.offsite.settings import OffsiteSettings

from .servers import S3Server, SftpServer, s3_server, sftp_server


@pytest.fixture(scope="session")
def s3() -> Iterator[S3Server]:
    """A server that speaks S3."""
    with s3_server() as server:
        yield server


@pytest.fixture(scope="session")
def sftp(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SftpServer]:
    """A server that speaks SFTP."""
    with sftp_server(tmp_path_factory.mktemp("sftp")) as server:
        yield server


@pytest.fixture(params=["s3", "sftp", "file"])
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> OffsiteSettings:
    """The settings of an empty place, of each kind in turn."""
    if request.param == "file":
        return folder_settings(tmp_path)
    server: S3Server | SftpServer = request.getfixturevalue(request.param)
    return server.settings(f"copies-{secrets.token_hex(4)}")


def folder_settings(tmp_path: Path, **more: object) -> OffsiteSettings:
    """The settings of an empty folder."""
    folder = tmp_path / "second disk"
    folder.mkdir(exist_ok=True)
    return OffsiteSettings(url=f"file://{str(folder).replace(' ', '%20')}", **more)
