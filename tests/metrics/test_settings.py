"""The metrics settings say what is wrong with a value."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from app.metrics.settings import MetricsSettings


def test_the_defaults_are_brazilian_and_keep_everything() -> None:
    """Without settings amounts are in reais and journals stay for ever."""
    settings = MetricsSettings()
    assert (settings.currency, settings.journal_keep_days) == ("BRL", 0)


def test_a_currency_is_kept_in_capitals() -> None:
    """usd in the file is USD everywhere."""
    assert MetricsSettings(currency="usd").currency == "USD"


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("timezone", "Sao Paulo", "is not a time zone"),
        ("currency", "R$", "not an ISO 4217 code"),
        ("journal_keep_days", -1, "greater than or equal to 0"),
        ("conversation_active_hours", 0, "greater than or equal to 1"),
    ],
)
def test_a_bad_value_is_explained(field: str, value: object, said: str) -> None:
    """The message tells what is expected."""
    with pytest.raises(ValidationError, match=said):
        MetricsSettings(**{field: value})
