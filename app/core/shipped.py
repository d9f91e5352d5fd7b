"""A rule that is there without any file, as the page that measures what it watches ships it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class ShippedRule:
    """`given` is the rule as config/alerts.yaml would say it; `name` is also the code of its alerts.

    `source` and `key` are what its alerts are known by; {names} in `key` are labels of the series.
    `expires_seconds`: see Signal. A rule that `counts` compares a number that means nothing to people.
    """

    name: str
    source: str
    key: str
    given: Mapping[str, Any]
    expires_seconds: float | None = None
    counts: bool = False
