"""What cards are made of: a frame with a heading, tables, figures, meters, moments and buttons."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote

from ..alerts.phrases import in_portuguese
from . import figures
from .markup import Content, Markup, tag
from .words import Words

_SYMBOLS = {
    "ok": "●", "warning": "▲", "critical": "■", "degraded": "▲", "down": "■", "unknown": "○",
    "LOW": "○", "MEDIUM": "●", "HIGH": "▲", "CRITICAL": "■",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Frame:
    """Whom the page is for: their language, the moment, where they are, and whether they may act.

    now: in the zone in which times are shown. base: the path of /production as the browser knows it.
    language: what ?lang= asked for, or "".
    """

    words: Words
    now: datetime
    base: str
    can_act: bool = False
    language: str = ""

    def clock_time(self, at: datetime, form: str = "%Y-%m-%d %H:%M:%S") -> str:
        """A moment as the clock on the reader's wall shows it."""
        return at.astimezone(self.now.tzinfo).strftime(form)

    def path(self, *names: str) -> str:
        """The path of something below /production, in the language that was asked for."""
        path = "/".join((self.base, *(quote(name, safe="") for name in names)))
        return f"{path}?lang={self.language}" if self.language else path


def card(name: str, frame: Frame, *content: Content, heading: str = "", count: int = 0) -> Markup:
    """A section under its heading, with how many there are of what it shows, if it counts."""
    title, heading = f"{name}-heading", heading or frame.words.name(name)
    return tag(
        "section",
        tag("h2", f"{heading} ({count})" if count else heading, id=title),
        content,
        id=name,
        class_="card",
        aria_labelledby=title,
    )


def grade(word: str, words: Words) -> Markup:
    """A level or severity as symbol, word and colour, so that none of the three has to be seen."""
    symbol = tag("span", _SYMBOLS.get(word, "○"), aria_hidden="true")
    kind = word.lower() if word in _SYMBOLS else "unknown"
    return tag("span", symbol, " ", words.name(word), class_=f"grade {kind}")


def moment(at: datetime, frame: Frame) -> Markup:
    """How long ago or ahead it is; the moment itself is in the title."""
    words, exact = frame.words, frame.clock_time(at, "%Y-%m-%d %H:%M:%S %Z")
    if at > frame.now:
        text = words.ahead.format(span=figures.span(at - frame.now))
    else:
        text = words.ago.format(span=figures.span(frame.now - at))
    return tag("time", text, datetime=at.isoformat(), title=exact)


def table(caption: str, heads: Sequence[str], rows: Iterable[Sequence[Content]]) -> Markup:
    """A table that scrolls by itself where it is too wide; the first cell of a row is its head."""
    head = tag("tr", [tag("th", text, scope="col") for text in heads])
    body = [
        tag("tr", tag("th", first, scope="row"), [tag("td", cell) for cell in rest]) for first, *rest in rows
    ]
    whole = tag("table", tag("caption", caption, class_="unseen"), tag("thead", head), tag("tbody", body))
    return tag("div", whole, class_="scroll", role="region", aria_label=caption, tabindex=0)


def reason(text: str, words: Words) -> str:
    """Why something is as it is, in the reader's language as far as it is known in it."""
    return in_portuguese(text) if words.language == "pt-BR" else text


def facts(pairs: Iterable[tuple[str, Content]]) -> Markup:
    """Figures, each under its name."""
    return tag("dl", [tag("div", tag("dt", name), tag("dd", value)) for name, value in pairs], class_="facts")


def button(label: str, action: str, *, about: str = "") -> Markup:
    """A button that posts; `about` tells those who hear the page what it is about."""
    name = f"{label}: {about}" if about else None
    return tag("form", tag("button", label, aria_label=name), method="post", action=action)


def empty(text: str) -> Markup:
    """What a card says that has nothing to show."""
    return tag("p", text, class_="empty")
