"""The page that asks for a token."""

from __future__ import annotations

from .layout import page
from .markup import tag
from .words import Words


def login_page(words: Words, action: str, refusal: str = "") -> str:
    """A form that posts the field `token` to `action`; `refusal` says why the last one did not open."""
    field = tag(
        "input", type="password", name="token", id="token", required="", autocomplete="current-password"
    )
    form = tag(
        "form",
        tag("label", words.key, for_="token"),
        field,
        tag("p", words.key_hint, class_="hint"),
        tag("button", words.sign_in),
        method="post",
        action=action,
    )
    said = tag("p", refusal, role="alert", class_="refusal") if refusal else ""
    return page(
        f"Atalaia · {words.sign_in}", words, tag("main", tag("h1", "Atalaia"), said, form, class_="slip")
    )
