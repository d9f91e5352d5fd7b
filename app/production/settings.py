"""The settings of access to `/production/*`."""

from __future__ import annotations

from typing import ClassVar

from pydantic import SecretStr, field_validator

from ..core.errors import SettingsError
from ..core.section import CommaList, Section, knob
from .tokens import TokenEntry, parse_entries


class AccessSettings(Section):
    """Who may look and who may act, beyond the operator on the server itself."""

    prefix: ClassVar[str] = "ACCESS_"
    title: ClassVar[str] = "Access to /production/*"

    tokens: SecretStr = knob(
        SecretStr(""),
        "Who may come from elsewhere: comma-separated role:hash, where role is read or operate and hash"
        " is the SHA-256 of a token. Empty: nobody.",
    )
    peer: bool = knob(
        True,
        "Answer plain requests over loopback when the kernel says that they come from root or from the"
        " server's own user. Off: everybody needs a token.",
    )
    allowed_uids: CommaList = knob(
        (), "Further users of this machine whose plain requests are answered: comma-separated numeric uids."
    )
    session_hours: float = knob(
        12.0, "How long a login to the dashboard lasts.", unit="hours", gt=0, le=24 * 30
    )

    @field_validator("tokens")
    @classmethod
    def _tokens_are_entries(cls, tokens: SecretStr) -> SecretStr:
        parse_entries(tokens.get_secret_value())
        return tokens

    @field_validator("allowed_uids")
    @classmethod
    def _uids_are_numbers(cls, uids: tuple[str, ...]) -> tuple[str, ...]:
        for uid in uids:
            if not (uid.isascii() and uid.isdigit()):
                raise SettingsError(f"{uid!r} is not a numeric uid", "Find it with `id -u NAME`.")
        return uids

    @property
    def entries(self) -> tuple[TokenEntry, ...]:
        """The tokens, parsed."""
        return parse_entries(self.tokens.get_secret_value())

    @property
    def uids(self) -> frozenset[int]:
        """The further users, as numbers."""
        return frozenset(map(int, self.allowed_uids))
