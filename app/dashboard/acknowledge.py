"""The page behind the link of a message: one button that says who is on it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .layout import page
from .markup import tag
from .words import Words


def acknowledge_page(words: Words, action: str, token: str, alert: Mapping[str, Any]) -> str:
    """A form that posts the link's token as `t`, and as `by` a name that may be left out."""
    title = str(alert["title"])
    form = tag(
        "form",
        tag("input", type="hidden", name="t", value=token),
        tag("label", words.your_name, for_="by"),
        tag("input", name="by", id="by", maxlength=60, autocomplete="name"),
        tag("button", words.acknowledge),
        method="post",
        action=action,
    )
    fact = tag("p", words.name(str(alert["severity"])), " · ", str(alert["started_at"]))
    return page(
        f"Atalaia · {words.acknowledge}", words, tag("main", tag("h1", title), fact, form, class_="slip")
    )
