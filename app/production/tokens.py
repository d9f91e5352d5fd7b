"""The tokens that open `/production/*` to others: shown once when made, kept only as SHA-256."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

from ..core.errors import SettingsError

_PREFIX = "atalaia_"
_HASH = re.compile(r"[0-9a-f]{64}")
_HOW = "An entry is role:hash; `printf %s TOKEN | sha256sum` tells the hash."


class Role(StrEnum):
    """What a caller may do: READ looks, OPERATE looks and acts."""

    READ = "read"
    OPERATE = "operate"

    def includes(self, needed: Role) -> bool:
        return self is Role.OPERATE or needed is Role.READ


@dataclass(frozen=True, slots=True)
class TokenEntry:
    """What is kept of one token; `hash` is the SHA-256 of the token in lower-case hex."""

    role: Role
    hash: str = field(repr=False)

    def __str__(self) -> str:
        return f"{self.role}:{self.hash}"

    @property
    def name(self) -> str:
        """How logs call it: enough to tell tokens apart, nothing to enter with."""
        return f"token-{self.hash[:8]}"


def new_token(role: Role) -> tuple[str, TokenEntry]:
    """A fresh token of 256 random bits, and the entry to keep."""
    token = _PREFIX + secrets.token_urlsafe(32)
    return token, TokenEntry(role, _hashed(token))


def parse_entries(text: str) -> tuple[TokenEntry, ...]:
    """The entries of a comma-separated setting; SettingsError, which repeats nothing of a bad one."""
    entries = tuple(_entry(part.strip(), at) for at, part in enumerate(text.split(","), 1) if part.strip())
    if len({entry.hash for entry in entries}) < len(entries):
        raise SettingsError("a token is entered twice", "Keep one entry, operate includes read.")
    return entries


def match(entries: Iterable[TokenEntry], token: str) -> TokenEntry | None:
    """The entry of this token, in the same time whichever it is or whether there is one."""
    hashed = _hashed(token)
    found = None
    for entry in entries:
        if hmac.compare_digest(entry.hash, hashed):
            found = entry
    return found


def _entry(text: str, at: int) -> TokenEntry:
    role, _, hashed = text.partition(":")
    if text.startswith(_PREFIX) or hashed.startswith(_PREFIX):
        raise SettingsError(f"token entry {at} is the token itself", "Keep only its SHA-256. " + _HOW)
    if role not in list(Role):
        raise SettingsError(f"token entry {at} does not begin with read: or operate:", _HOW)
    if not _HASH.fullmatch(hashed):
        raise SettingsError(f"token entry {at} has no SHA-256 of 64 lower-case hex digits", _HOW)
    return TokenEntry(Role(role), hashed)


def _hashed(token: str) -> str:
    # Because a hostile form field may hold half of a surrogate pair, which UTF-8 otherwise refuses.
    return hashlib.sha256(token.encode(errors="surrogatepass")).hexdigest()
