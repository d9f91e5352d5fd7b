"""A manifest as bytes: readable JSON with a seal, so that a changed manifest is noticed too."""

from __future__ import annotations

import hashlib
import json

import msgspec

from .model import Backup, Damaged
from .records import whole_document

FORMAT = 1
_SEAL = b'  "manifest_sha256": '


def sealed(backup: Backup) -> bytes:
    """The file's content; its last member is the SHA-256 of all that stands before that line."""
    text = json.dumps({"format": FORMAT, **whole_document(backup)}, indent=2)
    return _with_seal(text.removesuffix("\n}").encode() + b",\n")


def unsealed(content: bytes) -> Backup:
    """The manifest of a file's content; Damaged when a single bit of it has changed."""
    body, _, _ = content.partition(_SEAL)
    if content != _with_seal(body):
        raise Damaged("its manifest has been changed", "Look at the file; if a person edited it, undo that.")
    try:
        return msgspec.json.decode(content, type=Backup)
    except msgspec.ValidationError as error:
        raise Damaged(f"its manifest is not of format {FORMAT}: {error}", "Update Atalaia.") from error


def _with_seal(body: bytes) -> bytes:
    return body + _SEAL + f'"{hashlib.sha256(body).hexdigest()}"\n}}\n'.encode()
