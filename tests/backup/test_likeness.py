"""How a new database is told to sort."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.backup.likeness import clauses

from .samples import SOURCE


@pytest.mark.parametrize(
    ("provider", "server_major", "told"),
    [
        ("c", 14, ""),
        ("c", 15, " locale_provider libc"),
        ("i", 16, " locale_provider icu icu_locale E'pt-BR'"),
        ("b", 17, " locale_provider builtin builtin_locale E'pt-BR'"),
        ("b", 16, " locale_provider libc"),
        ("i", 14, ""),
    ],
)
def test_each_server_is_told_what_it_understands(provider: str, server_major: int, told: str):
    """A provider is named to servers that know it, and the locale of the system to all."""
    source = replace(SOURCE, provider=provider, locale="pt-BR")
    found = " ".join(clauses(source, server_major).split())
    assert found == " ".join(f"{told} lc_collate E'C' lc_ctype E'C'".split())
