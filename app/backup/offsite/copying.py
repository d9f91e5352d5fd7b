"""One backup to another place and back: every copy is read again before it counts."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, Self

from ...core.errors import InputRejected, NotFound, Unavailable
from ...core.files import open_private
from ..catalog import PART, ROLES, Catalog
from ..companions import SecondCopy
from ..manifest import sealed, unsealed
from ..model import Backup, Damaged, OnShare, is_backup_id
from ..retention import Policy, expired
from .place import CHUNK_BYTES, Place, optional_package

_MANIFEST, _ENCRYPTED = ".json", ".age"
_SENT_SHARE = 0.5


@dataclass(frozen=True, slots=True)
class Copier:
    """Copies between the catalogue and a place; `name` is the place's, for people."""

    catalog: Catalog
    place: Place
    name: str
    recipients: Sequence[str] = ()

    def copy(self, backup: Backup, now: datetime, on_share: OnShare) -> SecondCopy:
        """Copy a backup: its data and roles, each read back and compared, then its manifest.

        One that is there already (its process was killed before it could say so) is only read back.
        Raises Unavailable, Damaged when the place gives back something else, or what `on_share` raises.
        """
        found = self._there(backup)
        if found is not None:
            self._read_back(found.file, found.sha256, found.size_bytes, on_share, from_share=0.0)
            return found
        size_bytes = backup.size_bytes
        file, sha256, sent = self._send(self.catalog.path(backup.id), backup.sha256, size_bytes, on_share)
        self._read_back(file, sha256, sent, on_share, from_share=_SENT_SHARE)
        if backup.roles_file.file:
            path, expected = self.catalog.path(backup.id, ROLES), backup.roles_file.sha256
            roles, roles_sha256, roles_bytes = self._send(path, expected, path.stat().st_size, _ignore)
            self._read_back(roles, roles_sha256, roles_bytes, _ignore, from_share=0.0)
        copy = SecondCopy(self.name, file, now, sent, sha256, encrypted=bool(self.recipients))
        manifest = sealed(replace(backup, second_copy=copy))
        self.place.put(f"{backup.id}{_MANIFEST}", [manifest], len(manifest))
        return copy

    def fetch(self, backup: Backup, identity: Path | None, on_share: OnShare) -> None:
        """Copy a backup of the place into the catalogue, for who holds the turn.

        InputRejected when it is encrypted and the identity is not that of its reader; Damaged.
        """
        copy = backup.second_copy
        assert copy is not None
        part, roles = self.catalog.path(backup.id, PART), backup.roles_file
        try:
            chunks = _counted(self.place.get(copy.file), copy.size_bytes, on_share)
            found = {self._receive(chunks, part, copy.encrypted, identity): backup.sha256}
            if roles.file:
                remote = self.place.get(f"{roles.file}{_ENCRYPTED}" if copy.encrypted else roles.file)
                into = self.catalog.path(backup.id, ROLES)
                found |= {self._receive(remote, into, copy.encrypted, identity): roles.sha256}
            if any(sha256 != expected for sha256, expected in found.items()):
                raise Damaged(f"the copy of {backup.id} in {self.name} is not what was written")
            self.catalog.publish(backup)
        finally:
            part.unlink(missing_ok=True)

    def manifests(self) -> list[Backup]:
        """Every backup of the place whose manifest can be believed, newest first."""
        names = [name.removesuffix(_MANIFEST) for name in self.place.names() if name.endswith(_MANIFEST)]
        found = [self._manifest(name) for name in names if is_backup_id(name)]
        return sorted(filter(None, found), key=lambda backup: -backup.sequence)

    def backup(self, backup_id: str) -> Backup:
        """One backup of the place; NotFound."""
        found = self._manifest(backup_id) if is_backup_id(backup_id) else None
        if found is None:
            raise NotFound(f"there is no backup {backup_id!r} in {self.name}", "See: backup list --offsite")
        return found

    def rotate(self, now: datetime, policy: Policy) -> list[str]:
        """Delete what the policy lets go, manifests first; returns what is gone."""
        going = expired(self.manifests(), now, policy)
        for backup in going:
            assert backup.second_copy is not None
            encrypted_roles = f"{backup.id}{ROLES}{_ENCRYPTED}"
            for name in (
                f"{backup.id}{_MANIFEST}",
                backup.second_copy.file,
                f"{backup.id}{ROLES}",
                encrypted_roles,
            ):
                self.place.delete(name)
        return [backup.id for backup in going]

    def _there(self, backup: Backup) -> SecondCopy | None:
        """The copy of these very bytes, encrypted as it should be, if the place has one."""
        found = self._manifest(backup.id)
        copy = found.second_copy if found else None
        if found is None or copy is None or found.sha256 != backup.sha256:
            return None
        return replace(copy, place=self.name) if copy.encrypted == bool(self.recipients) else None

    def _manifest(self, backup_id: str) -> Backup | None:
        try:
            backup = unsealed(b"".join(self.place.get(f"{backup_id}{_MANIFEST}")))
        except (NotFound, Damaged):
            return None
        return backup if backup.id == backup_id and _stays_inside(backup) else None

    def _send(self, path: Path, expected: str, size_bytes: int, on_share: OnShare) -> tuple[str, str, int]:
        """Upload a file; returns its name, SHA-256 and size there. Damaged when it is not as `expected`."""
        name = f"{path.name}{_ENCRYPTED}" if self.recipients else path.name
        sha256 = hashlib.sha256()
        sent = 0

        def told(chunks: Iterable[bytes]) -> Iterator[bytes]:
            nonlocal sent
            for chunk in chunks:
                sha256.update(chunk)
                sent += len(chunk)
                on_share(min(sent / max(size_bytes, 1), 1.0) * _SENT_SHARE)
                yield chunk

        reading = _Reading(path)
        self.place.put(name, told(reading.chunks(self.recipients)), size_bytes)
        if reading.sha256 != expected:
            self.place.delete(name)
            raise Damaged(f"{path.name} is not what was written", "Verify the backups: backup verify.")
        return name, sha256.hexdigest(), sent

    def _read_back(
        self, name: str, sha256: str, size_bytes: int, on_share: OnShare, *, from_share: float
    ) -> None:
        def follow(share: float) -> None:
            on_share(from_share + share * (1 - from_share))

        read = hashlib.sha256()
        for chunk in _counted(self.place.get(name), size_bytes, follow):
            read.update(chunk)
        if read.hexdigest() != sha256:
            raise Unavailable(
                f"{self.name} gave back another {name} than it was given", "Look at that storage."
            )

    def _receive(self, chunks: Iterable[bytes], path: Path, is_encrypted: bool, identity: Path | None) -> str:
        """Write a file of the place, opened, to a path; returns the SHA-256 of what was written."""
        if is_encrypted and identity is None:
            raise InputRejected(
                "this copy is encrypted", "Name the file with the private key: --identity FILE."
            )
        with _Receiving(path) as sink:
            if identity is not None and is_encrypted:
                with optional_package():
                    from .encryption import decrypt
                decrypt(chunks, identity, sink)
            else:
                for chunk in chunks:
                    sink.write(chunk)
        return sink.sha256


class _Receiving:
    """A private file, hashed as it is written and durable at the end."""

    def __init__(self, path: Path) -> None:
        self._file = os.fdopen(open_private(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), "wb")
        self._hash = hashlib.sha256()

    def write(self, chunk: bytes, /) -> int:
        self._hash.update(chunk)
        return self._file.write(chunk)

    def flush(self) -> None:
        self._file.flush()

    @property
    def sha256(self) -> str:
        return self._hash.hexdigest()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        with self._file:
            if kind is None:
                self.flush()
                os.fsync(self._file.fileno())


def _stays_inside(backup: Backup) -> bool:
    """False for a manifest whose names lead elsewhere: whoever can write to the place can write one."""
    names = [backup.file, backup.second_copy.file if backup.second_copy else ""]
    own = all(name.startswith(f"{backup.id}.") and "/" not in name for name in names)
    return own and backup.roles_file.file in {"", f"{backup.id}{ROLES}"}


def _encrypted(chunks: Iterable[bytes], recipients: Sequence[str]) -> Iterator[bytes]:
    with optional_package():
        from .encryption import encrypted
    return encrypted(chunks, recipients)


class _Reading:
    """A file of the catalogue on its way out, hashed as it is read."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._hash = hashlib.sha256()

    @property
    def sha256(self) -> str:
        return self._hash.hexdigest()

    def chunks(self, recipients: Sequence[str]) -> Iterator[bytes]:
        """The file, encrypted where there are recipients; NotFound, Unavailable."""
        try:
            with self._path.open("rb") as file:
                yield from _encrypted(self._plain(file), recipients) if recipients else self._plain(file)
        except FileNotFoundError as error:
            raise NotFound(f"{self._path.name} is gone meanwhile") from error
        except OSError as error:
            raise Unavailable(f"{self._path} cannot be read: {error.strerror}") from error

    def _plain(self, file: BinaryIO) -> Iterator[bytes]:
        while chunk := file.read(CHUNK_BYTES):
            self._hash.update(chunk)
            yield chunk


def _counted(chunks: Iterable[bytes], size_bytes: int, on_share: OnShare) -> Iterator[bytes]:
    done = 0
    for chunk in chunks:
        done += len(chunk)
        on_share(min(done / max(size_bytes, 1), 1.0))
        yield chunk


def _ignore(_share: float) -> None:
    return
