"""Which alerts are meant."""

from __future__ import annotations

import pytest

from app.alerts.matching import check_matchers, matches
from app.core.errors import InputRejected

from .examples import fired


@pytest.mark.parametrize(
    ("matchers", "fits"),
    [
        ({"category": "BUSINESS"}, True),
        ({"category": "business"}, True),
        ({"severity": "HIGH+"}, True),
        ({"severity": "medium+"}, True),
        ({"severity": "CRITICAL+"}, False),
        ({"severity": ["LOW", "HIGH"]}, True),
        ({"key": ("x", "Gate*")}, True),
        ({"key": ()}, False),
        ({"category": "SYSTEM"}, False),
        ({"severity": "*"}, True),
        ({"key": "Gate*"}, True),
        ({"key": "gate*"}, False),
        ({"labels.bank": "b?"}, True),
        ({"labels.place": "[a] b"}, True),
        ({"labels.place": "[a]*"}, True),
        ({"labels.other": ""}, True),
        ({"labels.other": "x"}, False),
        ({"category": "BUSINESS", "source": "backup"}, False),
    ],
)
def test_every_matcher_has_to_fit(matchers: dict[str, str], fits: bool) -> None:
    """Fields and labels, equal or by * and ?, in their own case."""
    assert matches(matchers, fired(labels={"bank": "bb", "place": "[a] b"})) is fits


@pytest.mark.parametrize("matchers", [{}, {"colour": "red"}])
def test_silence_that_matches_nothing_or_everything_by_mistake_is_rejected(matchers: dict[str, str]) -> None:
    """An empty silence would be a silence of all, an unknown field one of none."""
    with pytest.raises(InputRejected) as caught:
        check_matchers(matchers)
    assert caught.value.hint


def test_misspelt_field_is_answered_with_the_nearest() -> None:
    """So that nobody has to look it up."""
    with pytest.raises(InputRejected) as caught:
        check_matchers({"sverity": "HIGH"})
    assert caught.value.hint == "Did you mean severity?"
