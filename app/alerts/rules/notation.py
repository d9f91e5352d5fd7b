"""Series of values as promtool writes them in unit tests: 1+2x3, 5x4, _, _x3.

https://prometheus.io/docs/prometheus/latest/configuration/unit_testing_rules/#series
"""

from __future__ import annotations

import re

_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
_STEPS = re.compile(rf"({_NUMBER})(?:([-+]{_NUMBER.removeprefix('[-+]?')}))?(?:x(\d+))?")
_GAP = re.compile(r"_(?:x(\d+))?")
_SERIES = re.compile(r"([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})?")
_LABEL = re.compile(r'([a-zA-Z_]\w*)\s*=\s*"([^"]*)"\s*(?:,|$)\s*')


def values_of(text: str) -> list[float | None]:
    """One value an interval, None where there is none; ValueError.

    `a+bxn` is a, a+b, … a+n·b; `axn` is n+1 times a; `_` is nothing, `_xn` n times nothing.
    """
    found: list[float | None] = []
    for word in text.split():
        gap, steps = _GAP.fullmatch(word), _STEPS.fullmatch(word)
        if gap:
            found += [None] * int(gap[1] or 1)
        elif steps and not (steps[2] and not steps[3]):
            begin, by, times = float(steps[1]), float(steps[2] or 0), int(steps[3] or 0)
            found += [begin + by * number for number in range(times + 1)]
        else:
            raise ValueError(f"{word!r} is no value (like 5, 1+2x3, 5x4, _ or _x3)")
    return found


def name_and_labels(text: str) -> tuple[str, dict[str, str]]:
    """What metric{label="value"} names; ValueError."""
    whole = _SERIES.fullmatch(text.strip())
    if whole is None:
        raise ValueError(f'{text!r} is no series (like up{{service="openai"}})')
    inside, labels, at = (whole[2] or "").strip(), {}, 0
    while at < len(inside):
        label = _LABEL.match(inside, at)
        if label is None:
            raise ValueError(f'{inside[at:]!r} is no label (like service="openai")')
        labels[label[1]], at = label[2], label.end()
    return whole[1], labels
