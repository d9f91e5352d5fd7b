"""Money is exact: what comes in as decimal text goes out as the same amount."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.metrics.money import Refused, checked_currency, decimal_text, millionths


@pytest.mark.parametrize(
    ("amount", "exact"),
    [
        ("120.50", 120_500_000),
        ("120.5", 120_500_000),
        (120, 120_000_000),
        (Decimal("0.10"), 100_000),
        ("0.000075", 75),
        ("1000.0000000", 1_000_000_000),
        ("-3.20", -3_200_000),
        ("100000000000", 10**17),
    ],
)
def test_an_amount_becomes_whole_millionths(amount: object, exact: int) -> None:
    """Texts, Decimals and whole numbers become one exact integer."""
    assert millionths(amount) == exact


@pytest.mark.parametrize(
    ("exact", "currency", "text"),
    [
        (120_500_000, "BRL", "120.50"),
        (0, "BRL", "0.00"),
        (1_000_000_000, "JPY", "1000"),
        (1_000_000, "KWD", "1.000"),
        (4_200, "USD", "0.0042"),
        (-50_000, "EUR", "-0.05"),
        (-1_500_000, "JPY", "-1.5"),
    ],
)
def test_an_amount_is_shown_with_the_decimals_of_its_currency(exact: int, currency: str, text: str) -> None:
    """No fewer than a price has, and as many as it takes to be exact."""
    assert decimal_text(exact, currency) == text


def test_a_price_has_no_more_decimals_than_its_currency() -> None:
    """Zeros do not count as decimals."""
    assert millionths("10.500", digits=2) == 10_500_000
    with pytest.raises(Refused, match="more than 2 decimals"):
        millionths("10.505", digits=2)


@pytest.mark.parametrize(
    "amount",
    [
        *("120,50", "1e3", "", " 1", "1_000", "NaN", "٣", "0.0000001", "1" * 17, "100000000000.01"),
        *(Decimal("NaN"), Decimal("Infinity"), Decimal("1E+30")),
        *(10**400, 1.5, True, None, [1]),
    ],
)
def test_what_is_no_exact_amount_is_refused(amount: object) -> None:
    """Floats, too many decimals, other notations and what is too large never become money."""
    with pytest.raises(Refused):
        millionths(amount)


def test_a_float_is_refused_with_what_to_send_instead() -> None:
    """Whoever sends a float reads that it must be a text."""
    with pytest.raises(Refused, match="must be a text such as"):
        millionths(19.90)


@pytest.mark.parametrize("code", ["BLR", "R$", "", "REAL", None, 986])
def test_an_unknown_currency_is_refused(code: object) -> None:
    """A code that ISO 4217 does not have is a mistake, not a new currency."""
    with pytest.raises(Refused):
        checked_currency(code)


def test_a_currency_in_small_letters_is_the_same_currency() -> None:
    """brl and BRL are one."""
    assert checked_currency("brl") == "BRL"


@settings(deadline=None)
@given(st.integers(-(10**17), 10**17), st.sampled_from(["BRL", "JPY", "KWD", "CLF"]))
def test_an_amount_survives_being_written_and_read(exact: int, currency: str) -> None:
    """The decimal text of an amount is read as the same amount, whatever the currency."""
    assert millionths(decimal_text(exact, currency)) == exact
