"""Exact money: decimal texts at the door, whole millionths inside, never a float."""

from __future__ import annotations

import re
from decimal import Decimal

_ISO_4217 = """
AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BOV BRL BSD BTN BWP BYN BZD
CAD CDF CHE CHF CHW CLF CLP CNY COP COU CRC CUC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP
GEL GHS GIP GMD GNF GTQ GYD HKD HNL HRK HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW
KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD
NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE
SLL SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD USN UYI UYU UYW UZS VED
VES VND VUV WST XAF XCD XCG XOF XPF YER ZAR ZMW ZWG ZWL
"""
_CODES = frozenset(_ISO_4217.split())
_CODES_BY_DIGITS = {
    0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
    3: "BHD IQD JOD KWD LYD OMR TND",
    4: "CLF UYW",
}
_DIGITS = {code: digits for digits, codes in _CODES_BY_DIGITS.items() for code in codes.split()}
_DECIMAL = re.compile(r"(-?)([0-9]{1,12})(?:\.([0-9]{1,16}))?")
# Because the sum of ninety such amounts, the rollup of a day, still fits 64 bits.
_MOST = 10**17

MICRO = 1_000_000
"""Amounts are kept as whole millionths, so that what a single answer of a language model costs is one."""
_MICRO_DIGITS = 6


class Refused(Exception):
    """An event cannot be counted as it is; the text is the reason, for the one who sent it."""


def checked_currency(code: object) -> str:
    """The ISO 4217 code in capitals; Refused when there is no such currency."""
    if isinstance(code, str) and (capitals := code.upper()) in _CODES:
        return capitals
    raise Refused("currency is not an ISO 4217 code such as BRL")


def digits_of(currency: str) -> int:
    """How many decimals a price in this currency has."""
    return _DIGITS.get(currency, 2)


def millionths(amount: object, *, digits: int = _MICRO_DIGITS) -> int:
    """An exact amount (decimal text, Decimal or whole number) with at most so many decimals.

    Refused for floats, because 0.1 + 0.2 is not 0.3.
    """
    match = _DECIMAL.fullmatch(_text(amount))
    if match is None:
        raise Refused('amount is not a decimal number such as "120.50"')
    sign, whole, fraction = match.groups(default="")
    fraction = fraction.rstrip("0")
    if len(fraction) > digits:
        raise Refused(f"amount has more than {digits} decimals")
    exact = int(whole + fraction.ljust(_MICRO_DIGITS, "0"))
    if exact > _MOST:
        raise Refused("amount is too large")
    return -exact if sign else exact


def decimal_text(exact: int, currency: str) -> str:
    """Millionths as an exact decimal text, with no fewer decimals than prices in this currency have."""
    whole, fraction = divmod(abs(exact), MICRO)
    decimals = f"{fraction:06}".rstrip("0").ljust(digits_of(currency), "0")
    return f"{'-' if exact < 0 else ''}{whole}{'.' if decimals else ''}{decimals}"


def _text(amount: object) -> str:
    if isinstance(amount, float):
        raise Refused('amount must be a text such as "120.50", because a float is not exact')
    if isinstance(amount, bool) or not isinstance(amount, (str, int, Decimal)):
        raise Refused('amount must be a text such as "120.50" or a whole number')
    if isinstance(amount, str):
        return amount
    if (isinstance(amount, Decimal) and not amount.is_finite()) or not -_MOST <= amount <= _MOST:
        raise Refused("amount is too large")
    return format(amount, "f")
