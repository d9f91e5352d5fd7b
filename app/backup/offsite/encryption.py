"""age's format over a stream: for public keys on this machine, opened by an identity kept elsewhere."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from io import BufferedIOBase
from pathlib import Path
from typing import Protocol

import pyrage

from ...core.errors import InputRejected
from ..model import Damaged
from .place import CHUNK_BYTES

_SECRET = "AGE-SECRET-KEY-"  # noqa: S105 because it is how such a key begins


def encrypted(chunks: Iterable[bytes], recipients: Sequence[str]) -> Iterator[bytes]:
    """The age file of what the chunks hold, in chunks; `age -d` opens it.

    InputRejected for what is no public key; raises what getting a chunk raises.
    """
    keys = [_recipient(text) for text in recipients]
    outlet, inlet = os.pipe()
    work = _Work(_Source(chunks), inlet, keys)
    work.start()
    try:
        with open(outlet, "rb", buffering=CHUNK_BYTES) as pipe:  # noqa: PTH123 because a descriptor has no Path
            while chunk := pipe.read(CHUNK_BYTES):
                yield chunk
    finally:
        work.join()
    if work.error is not None:
        raise work.error


def decrypt(chunks: Iterable[bytes], identity: Path, sink: Sink) -> None:
    """Write what is in an age file to `sink`.

    InputRejected when the identity does not fit, Damaged when the file was changed or cut.
    """
    source = _Source(chunks)
    try:
        pyrage.decrypt_io(source, sink, _identities(identity))
    except (pyrage.DecryptError, OSError) as error:
        if source.error is not None:
            raise source.error from error
        if isinstance(error, pyrage.DecryptError) and "key" in str(error):
            raise InputRejected(
                "the identity does not open this copy", "Give the one whose public key it was encrypted for."
            ) from error
        raise Damaged("its encrypted copy is not what was written") from error


class Sink(Protocol):
    """What bytes are written to."""

    def write(self, chunk: bytes, /) -> int: ...
    def flush(self) -> None: ...


class _Work(threading.Thread):
    """Because pyrage pushes what others pull, it works in a thread of its own, through a pipe."""

    def __init__(self, source: _Source, inlet: int, keys: Sequence[pyrage.x25519.Recipient]) -> None:
        super().__init__(name="atalaia-age", daemon=True)
        self._source, self._inlet, self._keys = source, inlet, keys
        self.error: Exception | None = None

    def run(self) -> None:
        # Because whoever has stopped to listen wants to hear nothing of it.
        with suppress(BrokenPipeError), open(self._inlet, "wb") as pipe:  # noqa: PTH123
            try:
                pyrage.encrypt_io(self._source, pipe, self._keys)
            except (pyrage.EncryptError, OSError) as error:
                self.error = self._source.error or error


class _Source(BufferedIOBase):
    """Chunks as a file to be read; `error` is what getting them ended with."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = iter(chunks)
        self._left = b""
        self.error: Exception | None = None

    def read(self, size: int | None = -1) -> bytes:
        try:
            while not self._left:
                self._left = next(self._chunks)
        except StopIteration:
            return b""
        except BaseException as error:
            self.error = error if isinstance(error, Exception) else None
            raise
        end = len(self._left) if size is None or size < 0 else size
        given, self._left = self._left[:end], self._left[end:]
        return given


def _recipient(text: str) -> pyrage.x25519.Recipient:
    kind = pyrage.x25519 if text.startswith("age1") else pyrage.ssh
    try:
        return kind.Recipient.from_str(text)
    except pyrage.RecipientError as error:
        raise InputRejected(
            f"a key of BACKUP_OFFSITE_RECIPIENTS is none: {error}", "Copy it anew."
        ) from error


def _identities(path: Path) -> list[pyrage.x25519.Identity]:
    try:
        content = path.read_bytes()
        lines = [line.strip() for line in content.decode(errors="replace").splitlines()]
        secrets = [line for line in lines if line.startswith(_SECRET)]
        if secrets:
            return [pyrage.x25519.Identity.from_str(line) for line in secrets]
        return [pyrage.ssh.Identity.from_buffer(content)]
    except OSError as error:
        raise InputRejected(f"the identity {path} cannot be read: {error.strerror}") from error
    except pyrage.IdentityError as error:
        raise InputRejected(
            f"{path} holds no identity",
            "Give a file of age-keygen, or an SSH private key without passphrase.",
        ) from error
