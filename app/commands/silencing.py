"""python -m app alerts silences, silence, unsilence."""

from __future__ import annotations

from typing import Annotated

import typer

from ..core.errors import InputRejected
from . import alert_story
from .printing import Json, show
from .towers import open_tower, operator, tower


def pairs(texts: list[str]) -> dict[str, str]:
    """Each name=value; InputRejected for what is none."""
    found = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not (name and equals):
            raise InputRejected(f"{text!r} is no pair", "Write name=value.")
        found[name] = value
    return found


def silences(as_json: Json = False) -> None:
    """Who keeps what quiet, until when."""
    show(tower().alerts.silences(), as_json, alert_story.silences)


def silence(
    matcher: Annotated[list[str], typer.Argument(help="field=pattern, like key='oven*' severity=LOW.")],
    minutes: Annotated[float | None, typer.Option(help="For how long.")] = None,
    until_resolved: Annotated[
        bool, typer.Option("--until-resolved", help="Until what it is about is over.")
    ] = False,
    comment: Annotated[str, typer.Option(help="Why; whoever comes after you reads it.")] = "",
    as_json: Json = False,
) -> None:
    """Keep quiet what fits every matcher; it is still shown and recorded."""
    made = open_tower().alerts.add_silence(
        matchers=pairs(matcher),
        by=operator(),
        minutes=minutes,
        comment=comment,
        until_resolved=until_resolved,
    )
    show({"silences": [made]} if not as_json else made, as_json, alert_story.silences)


def unsilence(
    silence_id: Annotated[str, typer.Argument(help="See: alerts silences.")], as_json: Json = False
) -> None:
    """End a silence now; what it held back and still fires is told."""
    ended = open_tower().alerts.end_silence(silence_id, by=operator())
    show({"silences": [ended]} if not as_json else ended, as_json, alert_story.silences)
