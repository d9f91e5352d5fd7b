"""A place for second copies: what each kind of it can do, and which kind a URL means."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol
from urllib.parse import unquote, urlsplit

from ...core.errors import Unavailable
from .settings import OffsiteSettings

CHUNK_BYTES = 1 << 20
CALL_SECONDS = 120.0
CONNECT_SECONDS = 15.0


class Place(Protocol):
    """Files by name, without folders. Every call has an end; what fails is Unavailable."""

    def put(self, name: str, chunks: Iterable[bytes], size_bytes: int, /) -> None:
        """Write a file as a whole: it is there at the end, or not at all.

        `size_bytes` is about what the chunks have. What a chunk raises ends it.
        """

    def get(self, name: str) -> Iterator[bytes]:
        """The file in chunks; NotFound without it."""

    def names(self) -> list[str]:
        """Every file."""

    def delete(self, name: str) -> None:
        """Remove a file; nothing happens when it is not there."""


def open_place(settings: OffsiteSettings) -> AbstractContextManager[Place]:
    """The place of BACKUP_OFFSITE_URL; Unavailable when it cannot be reached or its package is missing."""
    parts = urlsplit(settings.url)
    with optional_package():
        if parts.scheme == "s3":
            from .s3 import open_s3

            return open_s3(settings, parts.netloc, unquote(parts.path).strip("/"))
        if parts.scheme == "sftp":
            from .sftp import open_sftp

            return open_sftp(settings, parts)
    from .folder import open_folder

    return open_folder(unquote(parts.path))


@contextmanager
def optional_package() -> Iterator[None]:
    """Around an import that needs a package of the extra `offsite`; Unavailable names what is missing."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise Unavailable(
            f"the package {error.name} is not installed", f"Install it: pip install {error.name}."
        ) from error
