"""Files that nobody else may read, and writes that are whole or not there."""

from __future__ import annotations

import os
from pathlib import Path


def private_folder(path: Path) -> Path:
    """Make the folder (and its parents) if needed and let only its owner in, whatever the umask."""
    if not path.is_dir():
        private_parent = path.parent if path.parent.is_dir() else private_folder(path.parent)
        path.mkdir(exist_ok=True, mode=0o700)
        _give_to_owner_of(private_parent, path)
    if path.stat().st_mode & 0o777 != 0o700:
        path.chmod(0o700)
    return path


def open_private(path: Path, flags: int) -> int:
    """A file descriptor of a file that only its owner can read; `flags` as of os.open."""
    descriptor = os.open(path, flags | os.O_CLOEXEC, 0o600)
    if os.fstat(descriptor).st_mode & 0o777 != 0o600:
        os.fchmod(descriptor, 0o600)
    _give_to_owner_of(path.parent, descriptor)
    return descriptor


def _give_to_owner_of(folder: Path, made: Path | int) -> None:
    """What root makes belongs to whom the folder belongs to, or the server would be locked out of it."""
    if os.geteuid() == 0:
        owner, current = folder.stat(), os.stat(made)  # noqa: PTH116 because a descriptor has no Path
        if current.st_uid != owner.st_uid:
            os.chown(made, owner.st_uid, owner.st_gid)


def write_whole(path: Path, content: bytes, *, durable: bool = True) -> None:
    """Replace a file in one step: another process sees the old content or the new.

    Durable: so too after the machine has crashed.
    """
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    descriptor = open_private(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        if durable:
            os.fsync(file.fileno())
    part.replace(path)
    if durable:
        sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make names in a folder durable, as fsync(2) asks for after a rename."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
