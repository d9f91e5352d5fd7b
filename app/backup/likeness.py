"""How a new database is told to sort and write texts as the source did."""

from __future__ import annotations

from .model import Source
from .sql import literal

_PROVIDERS = 15  # since when a database has one of its own
_BUILTIN = 17


def clauses(source: Source, server_major: int) -> str:
    """What CREATE DATABASE is to be told on a server of that major version."""
    told = f" lc_collate {literal(source.collation)} lc_ctype {literal(source.ctype)}"
    if server_major < _PROVIDERS:
        return told
    locale = literal(source.locale or source.collation)
    # Because without a word the new one sorts as the server's template does, and not as the source.
    if source.provider == "i":
        return f" locale_provider icu icu_locale {locale}{told}"
    if source.provider == "b" and server_major >= _BUILTIN:
        return f" locale_provider builtin builtin_locale {locale}{told}"
    return f" locale_provider libc{told}"


def described(source: Source) -> str:
    """The source's locale in a few words."""
    kind = {"i": "ICU's ", "b": "PostgreSQL's own "}.get(source.provider, "")
    return f"{kind}{source.locale or source.collation}"
