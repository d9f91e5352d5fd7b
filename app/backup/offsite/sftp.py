"""An SFTP server as a place for second copies; only one whose host key is known."""

from __future__ import annotations

import asyncio
import posixpath
from collections.abc import Awaitable, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import TypeVar
from urllib.parse import SplitResult, unquote

import asyncssh

from ...core.errors import NotFound, Unavailable
from .place import CALL_SECONDS, CHUNK_BYTES, CONNECT_SECONDS
from .settings import OffsiteSettings

_PORT = 22
_HINT = "Check BACKUP_OFFSITE_URL, its password or key, and who may write in that folder."
_UNKNOWN_HOST = (
    "the SFTP server's host key is not known",
    "Compare the key, then put it into BACKUP_OFFSITE_KNOWN_HOSTS: ssh-keyscan -H HOST.",
)

Answer = TypeVar("Answer")


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except asyncssh.SFTPNoSuchFile as error:
        raise NotFound("there is no such file on the SFTP server") from error
    except asyncssh.HostKeyNotVerifiable as error:
        raise Unavailable(*_UNKNOWN_HOST) from error
    except TimeoutError as error:
        raise Unavailable("the SFTP server did not answer in time", _HINT) from error
    except (asyncssh.Error, asyncssh.KeyImportError, OSError) as error:
        raise Unavailable(f"the SFTP server refused: {error}", _HINT) from error


@contextmanager
def open_sftp(settings: OffsiteSettings, url: SplitResult) -> Iterator[SftpPlace]:
    """The files of a folder, which is made when it is not there."""
    with asyncio.Runner() as runner:
        with _told():
            connection = _within(runner, _connect(settings, url), CONNECT_SECONDS)
        try:
            with _told():
                client = _within(runner, connection.start_sftp_client())
            place = SftpPlace(runner, client, unquote(url.path) or ".")
            place.make()
            yield place
        finally:
            connection.abort()
            _within(runner, connection.wait_closed())


class SftpPlace:
    """See Place. It works in the thread of its caller: the connection rests in between."""

    def __init__(self, runner: asyncio.Runner, client: asyncssh.SFTPClient, folder: str) -> None:
        self._runner = runner
        self._client = client
        self._folder = folder

    @_told()
    def make(self) -> None:
        """Make the folder, for its owner only, when it is not there."""
        if not self._do(self._client.isdir(self._folder)):
            self._do(self._client.makedirs(self._folder, asyncssh.SFTPAttrs(permissions=0o700)))

    @_told()
    def put(self, name: str, chunks: Iterable[bytes], _size_bytes: int, /) -> None:
        part = self._path(f"{name}.part")
        try:
            file = self._do(self._client.open(part, "wb", asyncssh.SFTPAttrs(permissions=0o600)))
            try:
                for chunk in chunks:
                    self._do(file.write(chunk))
                with suppress(asyncssh.SFTPError):  # Because not every server can be told to sync.
                    self._do(file.fsync())
            finally:
                self._do(file.close())
            self._rename(part, self._path(name))
        except BaseException:
            with suppress(Unavailable):
                self.delete(f"{name}.part")
            raise

    def get(self, name: str) -> Iterator[bytes]:
        with _told():
            file = self._do(self._client.open(self._path(name), "rb"))
            try:
                while chunk := self._do(file.read(CHUNK_BYTES)):
                    assert isinstance(chunk, bytes)
                    yield chunk
            finally:
                self._do(file.close())

    @_told()
    def names(self) -> list[str]:
        return [str(name) for name in self._do(self._client.listdir(self._folder)) if name not in {".", ".."}]

    @_told()
    def delete(self, name: str) -> None:
        with suppress(asyncssh.SFTPNoSuchFile):
            self._do(self._client.remove(self._path(name)))

    def _rename(self, old: str, new: str) -> None:
        try:
            self._do(self._client.posix_rename(old, new))
        except asyncssh.SFTPOpUnsupported:
            with suppress(asyncssh.SFTPNoSuchFile):
                self._do(self._client.remove(new))
            self._do(self._client.rename(old, new))

    def _path(self, name: str) -> str:
        return posixpath.join(self._folder, name)

    def _do(self, call: Awaitable[Answer]) -> Answer:
        return _within(self._runner, call)


async def _connect(settings: OffsiteSettings, url: SplitResult) -> asyncssh.SSHClientConnection:
    key = settings.ssh_key.get_secret_value()
    return await asyncssh.connect(
        url.hostname or "",
        url.port or _PORT,
        config=None,
        username=unquote(url.username or ""),
        password=settings.password.get_secret_value() or None,
        client_keys=[asyncssh.import_private_key(key + "\n")] if key else (),
        agent_path=None,
        known_hosts=settings.known_hosts or (),
        connect_timeout=CONNECT_SECONDS,
        keepalive_interval=30,
    )


def _within(runner: asyncio.Runner, call: Awaitable[Answer], seconds: float = CALL_SECONDS) -> Answer:
    async def bounded() -> Answer:
        return await asyncio.wait_for(call, seconds)

    return runner.run(bounded())
