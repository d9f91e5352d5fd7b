"""The settings of the second copy."""

from __future__ import annotations

import re
from pathlib import Path
from typing import ClassVar
from urllib.parse import urlsplit

from pydantic import SecretStr, field_validator

from ...core.section import CommaList, Section, knob
from ..retention import Policy

_RECIPIENT = re.compile(r"age1[0-9a-z]+|ssh-(ed25519|rsa) \S+( .*)?")


class OffsiteSettings(Section):
    """Where every good backup is copied to, and how long it is kept there."""

    prefix: ClassVar[str] = "BACKUP_OFFSITE_"
    title: ClassVar[str] = "Second copy of backups"

    url: str = knob(
        "", "s3://bucket/prefix, sftp://user@host/path or file:///mnt/disk/folder; empty: no second copy"
    )
    endpoint: str = knob("", "URL of an S3-compatible server; empty: Amazon's")
    region: str = knob("us-east-1", "Region of the bucket")
    access_key_id: SecretStr = knob(
        SecretStr(""), "S3 key; empty: what AWS's own variables or the machine's role give"
    )
    secret_access_key: SecretStr = knob(SecretStr(""), "S3 secret of that key")
    password: SecretStr = knob(SecretStr(""), "SFTP password; empty: a key")
    ssh_key: SecretStr = knob(SecretStr(""), "SFTP private key in OpenSSH's form; best as _FILE")
    known_hosts: str = knob(
        "", "OpenSSH known_hosts file with the SFTP server's key; empty: ~/.ssh/known_hosts"
    )
    recipients: CommaList = knob(
        (), "age public keys (age1… or ssh-ed25519 …) that can read the copy; empty: not encrypted"
    )
    retention_days: int = knob(90, "An older second copy is deleted", unit="days", ge=1)
    keep_at_least: int = knob(7, "So many second copies are kept, however old they are", ge=1)
    overdue_seconds: int = knob(
        21_600, "A good backup without its second copy for so long raises an alert", unit="seconds", ge=60
    )
    timeout_seconds: int = knob(21_600, "One copy that takes longer is broken off", unit="seconds", ge=1)

    @field_validator("url")
    @classmethod
    def _known_place(cls, url: str) -> str:
        parts = urlsplit(url)
        if url and parts.scheme not in {"s3", "sftp", "file"}:
            raise ValueError("it is none of s3://, sftp:// and file://")
        if parts.password is not None or "@" in parts.netloc.rpartition("@")[0]:
            raise ValueError("a password does not belong into it: use BACKUP_OFFSITE_PASSWORD_FILE")
        if parts.scheme in {"s3", "sftp"} and not parts.hostname:
            raise ValueError("it names no bucket or host")
        if parts.scheme == "sftp" and not parts.username:
            raise ValueError("it names no user: sftp://user@host/path")
        if parts.scheme == "file" and (parts.netloc or not Path(parts.path).is_absolute()):
            raise ValueError("it names no absolute folder: file:///mnt/disk/folder")
        return url.rstrip("/")

    @field_validator("recipients")
    @classmethod
    def _public_keys(cls, keys: tuple[str, ...]) -> tuple[str, ...]:
        for key in keys:
            if not _RECIPIENT.fullmatch(key):
                # Because it may be a private key, it is not repeated.
                raise ValueError("one of them is no public key of the form age1… or ssh-ed25519 …")
        return keys

    @property
    def retention(self) -> Policy:
        """What is kept there."""
        return Policy(days=self.retention_days, at_least=self.keep_at_least)
