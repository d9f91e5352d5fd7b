"""What the file says to match: one text or several for each field, checked as it is read."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from pydantic import BeforeValidator

from ..core.errors import InputRejected
from .matching import check_matchers

Texts: TypeAlias = tuple[str, ...]


def _texts(given: object) -> object:
    many = given if isinstance(given, list | tuple) else (given,)
    return (
        tuple(str(one) for one in many) if all(isinstance(one, str | int | float) for one in many) else given
    )


ListOfTexts = Annotated[Texts, BeforeValidator(_texts)]
Match = dict[str, ListOfTexts]


def checked(match: Match) -> Match:
    """The same; ValueError when it names nothing that an alert has, or nothing at all."""
    try:
        check_matchers(match, "match")
    except InputRejected as error:
        raise ValueError(f"{error.fact}. {error.hint}") from None
    return match
