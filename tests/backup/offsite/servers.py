"""Real servers for second copies: moto's S3 as a process, asyncssh's SFTP in a thread, a folder."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncssh
import boto3

from app.backup.offsite.settings import OffsiteSettings
from app.testing import wait_until

KEY, SECRET = "canary-key", "canary-secret"
PASSWORD = "canary-password"


@dataclass(frozen=True)
class S3Server:
    """A server with buckets."""

    endpoint: str

    def settings(self, bucket: str, **more: Any) -> OffsiteSettings:
        """Those of a new bucket."""
        self.client().create_bucket(Bucket=bucket)
        return self.unmade(bucket, **more)

    def unmade(self, bucket: str, **more: Any) -> OffsiteSettings:
        """Those of a bucket that nobody has made."""
        url = f"s3://{bucket}/shop/backups"
        return OffsiteSettings(
            url=url, endpoint=self.endpoint, access_key_id=KEY, secret_access_key=SECRET, **more
        )

    def client(self) -> Any:
        """Amazon's own client."""
        return boto3.client(
            "s3",
            endpoint_url=self.endpoint,
            aws_access_key_id=KEY,
            aws_secret_access_key=SECRET,
            region_name="us-east-1",
        )


@contextmanager
def s3_server() -> Iterator[S3Server]:
    """A process that speaks S3, on a port of its own."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            wait_until(lambda: _answers(port), what="the S3 server", deadline=60)
            yield S3Server(f"http://127.0.0.1:{port}")
        finally:
            process.terminate()
            process.wait(10)


class _Login(asyncssh.SSHServer):
    def begin_auth(self, _username: str) -> bool:
        return True

    def password_auth_supported(self) -> bool:
        return True

    def validate_password(self, username: str, password: str) -> bool:
        return (username, password) == ("copies", PASSWORD)


@dataclass(frozen=True)
class SftpServer:
    """A server whose user `copies` has a password, and a key; `known_hosts` holds the server's own key."""

    port: int
    folder: Path
    known_hosts: Path
    user_key: str

    def settings(self, name: str, **more: Any) -> OffsiteSettings:
        """Those of a folder on it."""
        url = f"sftp://copies@127.0.0.1:{self.port}/{name}"
        given = {"password": PASSWORD, "known_hosts": str(self.known_hosts)} | more
        return OffsiteSettings(url=url, **given)


@contextmanager
def sftp_server(folder: Path) -> Iterator[SftpServer]:
    """An SFTP server that shows a folder, in a thread of its own."""
    files, host_key, user_key = folder / "files", _key(), _key()
    files.mkdir(parents=True)
    authorized = folder / "authorized_keys"
    authorized.write_bytes(user_key.export_public_key())
    with _looping() as run:

        async def listen() -> asyncssh.SSHAcceptor:
            return await asyncssh.listen(
                "127.0.0.1",
                0,
                server_factory=_Login,
                server_host_keys=[host_key],
                authorized_client_keys=str(authorized),
                sftp_factory=lambda channel: asyncssh.SFTPServer(channel, chroot=str(files).encode()),
            )

        acceptor = run(listen())
        known_hosts = folder / "known_hosts"
        public = host_key.export_public_key().decode()
        known_hosts.write_text(f"[127.0.0.1]:{acceptor.get_port()} {public}")
        try:
            yield SftpServer(
                acceptor.get_port(), files, known_hosts, user_key.export_private_key("openssh").decode()
            )
        finally:

            async def close() -> None:
                acceptor.close()
                await acceptor.wait_closed()

            run(close())


@contextmanager
def _looping() -> Iterator[Callable[[Any], Any]]:
    """Runs coroutines on a loop in another thread."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="sftp-server", daemon=True)
    thread.start()
    run = lambda call: asyncio.run_coroutine_threadsafe(call, loop).result(30)  # noqa: E731
    try:
        yield run
    finally:
        run(_cancel_others())
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


async def _cancel_others() -> None:
    left = asyncio.all_tasks() - {asyncio.current_task()}
    for task in left:
        task.cancel()
    await asyncio.gather(*left, return_exceptions=True)


def _key() -> asyncssh.SSHKey:
    return asyncssh.generate_private_key("ssh-ed25519")


def _answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True
