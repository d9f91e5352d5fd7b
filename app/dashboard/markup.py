"""HTML that cannot be injected into: whatever is not Markup is escaped, here and nowhere else."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

_VOID = frozenset(("input", "link", "meta"))


class Markup(str):
    """HTML that `tag` made; any other text is only text."""

    __slots__ = ()


Content = str | Iterable["Content"]
"""Text, Markup, or any nesting of them."""


def tag(name: str, /, *content: Content, **attributes: str | float | None) -> Markup:
    """One element; `class_` and `http_equiv` become class and http-equiv, None leaves an attribute out."""
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(str(value))}"'
        for key, value in attributes.items()
        if value is not None
    )
    if name in _VOID:
        return Markup(f"<{name}{written}>")
    return Markup(f"<{name}{written}>{joined(content)}</{name}>")


def joined(content: Content) -> Markup:
    """Contents one after the other, escaped where they are not Markup."""
    if isinstance(content, Markup):
        return content
    if isinstance(content, str):
        return Markup(escape(content))
    return Markup("".join(map(joined, content)))
