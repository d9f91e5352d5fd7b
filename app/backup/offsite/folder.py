"""A mounted folder as a place for second copies: a second disk, NFS, a share."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ...core.errors import NotFound, Unavailable
from ...core.files import open_private, sync_folder
from .place import CHUNK_BYTES


@contextmanager
def open_folder(path: str) -> Iterator[FolderPlace]:
    """The folder at an absolute path; it must be there, because a missing one is a disk not mounted."""
    folder = Path(path)
    if not folder.is_dir():
        raise Unavailable(f"the folder {folder} is not there", "Mount it, or make it.")
    yield FolderPlace(folder)


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        raise NotFound(f"there is no {error.filename}") from error
    except OSError as error:
        raise Unavailable(
            f"{error.filename or 'the folder of second copies'} cannot be used: {error.strerror}",
            "See whether it is mounted, has room, and may be written by the server's user.",
        ) from error


class FolderPlace:
    """See Place."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @_told()
    def put(self, name: str, chunks: Iterable[bytes], _size_bytes: int, /) -> None:
        part = self._folder / f"{name}.part"
        try:
            descriptor = open_private(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
            with os.fdopen(descriptor, "wb") as file:
                for chunk in chunks:
                    file.write(chunk)
                file.flush()
                os.fsync(descriptor)
                if hasattr(os, "posix_fadvise"):  # Because reading back should prove the disk, not its cache.
                    os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        except BaseException:
            part.unlink(missing_ok=True)
            raise
        part.rename(self._folder / name)
        sync_folder(self._folder)

    def get(self, name: str) -> Iterator[bytes]:
        with _told(), (self._folder / name).open("rb") as file:
            while chunk := file.read(CHUNK_BYTES):
                yield chunk

    @_told()
    def names(self) -> list[str]:
        return [path.name for path in self._folder.iterdir() if path.is_file()]

    @_told()
    def delete(self, name: str) -> None:
        (self._folder / name).unlink(missing_ok=True)
