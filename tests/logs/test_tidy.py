from __future__ import annotations

import dataclasses
import enum
import json
from collections import ChainMap
from decimal import Decimal
from pathlib import PurePosixPath
from types import MappingProxyType
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.logs.tidy import cut, text_of, tidy


class Color(enum.Enum):
    RED = "red"


class Size(enum.IntEnum):
    LARGE = 3


@dataclasses.dataclass
class Order:
    number: int
    items: list[str]


class Shy:
    """An object that does not even tell its class."""

    @property
    def __class__(self):
        raise RuntimeError


class BadMapping(dict):
    def items(self):
        raise RuntimeError


PLAIN = {
    "nothing": (None, None),
    "yes": (True, True),
    "number": (1.5, 1.5),
    "no number": (float("nan"), "nan"),
    "enum": (Color.RED, "red"),
    "number enum": (Size.LARGE, 3),
    "decimal": (Decimal("1.50"), "1.50"),
    "uuid": (UUID(int=1), "00000000-0000-0000-0000-000000000001"),
    "path": (PurePosixPath("/a"), "/a"),
    "bytes": (b"abc\xff", "abc\\xff"),
    "bytearray": (bytearray(b"abc"), "abc"),
    "lone surrogate": ("a\ud800b", "a\\ud800b"),
    "dataclass": (Order(7, ["x"]), {"number": 7, "items": ["x"]}),
    "proxy": (MappingProxyType({"a": 1}), {"a": 1}),
    "chained mapping": (ChainMap({"a": 1}), {"a": 1}),
    "keys alike": ({1: "a", "1": "b", (1, 2): "c"}, {"1": "a", "1'": "b", "(1, 2)": "c"}),
    "tuple": ((1, [2]), (1, [2])),
    "set": ({3}, [3]),
    "exception": (ValueError("bad"), "ValueError: bad"),
    "large number": (2**70, "1180591620717411303424"),
    "number too large to print": (10**5000, "[cut: integer of 16610 bits]"),
    "no class": (Shy(), "<Shy that cannot be shown>"),
    "no items": (BadMapping(a=1), "<BadMapping that cannot be shown>"),
}


@pytest.mark.parametrize("name", PLAIN)
def test_anything_becomes_plain(name: str):
    """Objects become the JSON values that say most about them."""
    value, plain = PLAIN[name]
    assert tidy(value) == plain


def test_long_texts_are_cut_with_a_mark():
    """A text keeps 16,384 characters and says how many are missing."""
    assert tidy("x" * 1_000_000) == "x" * 16_384 + "[cut: 983616 more characters]"
    assert cut("short") == "short"


def test_many_texts_share_a_bound():
    """Together the texts of one value stay near 65,536 characters."""
    assert len(str(tidy(["x" * 10_000] * 100))) < 75_000


def test_wide_containers_are_cut_with_a_mark():
    """A container keeps 200 items and says how many are missing."""
    assert tidy(list(range(1_000)))[-1] == "[cut: 800 more]"
    assert tidy(dict.fromkeys(range(1_000)))["[cut]"] == "800 more"


def test_cycles_and_depth_end():
    """What lies deeper than ten levels is cut."""
    cycle: dict[str, object] = {}
    cycle["self"] = cycle
    assert "[cut: dict]" in str(tidy(cycle))


def test_wide_cycles_do_not_explode():
    """All values together are bounded, so that a web of references does not grow without end."""
    web: list[object] = []
    web.extend([web] * 50)
    assert len(str(tidy(web))) < 100_000


def test_generators_are_not_consumed():
    """Looking at an iterator does not take anything from it."""
    numbers = iter([1, 2])
    tidy({"numbers": numbers})
    assert list(numbers) == [1, 2]


def test_text_of_what_raises_is_a_note():
    """A __str__ that raises is told by the type's name."""

    class Silent:
        __str__ = None

    assert text_of(Silent()) == "<Silent that cannot be shown>"


scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary()


@given(st.recursive(scalars, lambda inner: st.lists(inner) | st.dictionaries(scalars, inner), max_leaves=20))
def test_every_value_becomes_json(value: object):
    """What comes out can be encoded, and encoded as UTF-8."""
    json.dumps(tidy(value), allow_nan=False, ensure_ascii=False).encode()
