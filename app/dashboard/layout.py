"""The frame of every page: head, language, style and the policy that lets in nothing else."""

from __future__ import annotations

from base64 import b64encode
from functools import cache
from hashlib import sha256
from pathlib import Path

from .markup import Content, Markup, joined, tag
from .words import Words


def page(title: str, words: Words, *content: Content, refresh_seconds: int | None = None) -> str:
    """A whole HTML document without a script; `refresh_seconds` has the browser ask for it again."""
    refresh = tag("meta", http_equiv="refresh", content=refresh_seconds) if refresh_seconds else ""
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        refresh,
        tag("title", title),
        # Because a browser would otherwise ask the host for an icon.
        tag("link", rel="icon", href="data:,"),
        tag("style", Markup(_style())),
    )
    return joined((Markup("<!doctype html>"), tag("html", head, tag("body", content), lang=words.language)))


@cache
def policy() -> str:
    """The Content-Security-Policy of these pages: our style, our forms, and nothing else."""
    digest = b64encode(sha256(_style().encode()).digest()).decode()
    return (
        f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:;"
        " form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )


@cache
def _style() -> str:
    return Path(__file__).with_name("style.css").read_text(encoding="utf-8")
