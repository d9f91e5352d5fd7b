"""Values that break loggers."""

from __future__ import annotations

import enum
import json
import logging
import threading
from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

from app.logs.settings import LogSettings

log = logging.getLogger("app.hostile")


class BadText:
    """Raises whatever one asks of it."""

    def __repr__(self) -> str:
        raise RuntimeError("no repr")


class NoText:
    __str__ = None


class TalksBack:
    """Logs itself while it is being shown."""

    def __str__(self) -> str:
        log.info("shown %s", self, extra={"nested": True})
        return "talkative"


class FakeText(str):
    """A text that lies about itself."""

    __slots__ = ()

    def lower(self) -> str:
        raise RuntimeError


class NoClass:
    @property
    def __class__(self) -> type:
        raise RuntimeError


class BadMapping(dict[str, Any]):
    def items(self) -> Any:
        raise RuntimeError


class BadList(list[Any]):
    def __iter__(self) -> Any:
        raise RuntimeError


class Growing(dict[str, Any]):
    """Changes while it is read."""

    def items(self) -> Any:
        for item in list(super().items()):
            self[str(len(self))] = item
            yield item


class Color(enum.Enum):
    RED = "red"


class Size(enum.IntEnum):
    LARGE = 3


@dataclass
class Order:
    number: int
    items: Any


class Pair(NamedTuple):
    name: str
    value: str


def its_own_cause() -> Exception:
    error = ValueError("again")
    error.__cause__ = error
    return error


def nested_groups(levels: int) -> Exception:
    error: Exception = ValueError("deep")
    for _ in range(levels):
        error = ExceptionGroup("group", [error])
    return error


def cycle() -> dict[str, Any]:
    value: dict[str, Any] = {}
    value["self"] = value
    return value


def deep(levels: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(levels):
        value = [value]
    return value


def extra(**fields: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
    return ("hostile",), {"extra": fields}


HOSTILE: dict[str, tuple[tuple[Any, ...], dict[str, Any]]] = {
    "cycle": extra(value=cycle()),
    "cyclic list": extra(value=BadList([1])),
    "3,000 levels": extra(value=deep(3_000)),
    "__repr__ raises": extra(value=BadText()),
    "__repr__ raises in a list": extra(value=[1, {"a": BadText()}]),
    "__str__ is None": extra(value=NoText()),
    "__class__ raises": extra(value=NoClass()),
    "logs itself": extra(value=TalksBack()),
    "a text that lies": extra(value=FakeText("x" * 20)),
    "items() raises": extra(value=BadMapping(a=1)),
    "not a number": extra(value=float("nan")),
    "infinity": extra(value=[float("inf"), -float("inf")]),
    "2**70": extra(value=2**70),
    "10**5000": extra(value=10**5_000),
    "bytes": extra(value=b"\x00\xff"),
    "lone surrogate": extra(value="a\ud800"),
    "lone surrogate in a name": ((("hostile"),), {"extra": {"a\ud800": 1}}),
    "tuple as a key": extra(value={(1, 2): 3}),
    "None and bytes as keys": extra(value={None: 1, b"x": 2, 1.5: 3}),
    "number as a field's name": (("hostile",), {"extra": {7: 1}}),
    "megabyte": extra(value="x" * 1_000_000),
    "a megabyte in many": extra(value=["x" * 10_000] * 100),
    "100,000 items": extra(value=list(range(100_000))),
    "1,000 fields": extra(**{f"f{number}": number for number in range(1_000)}),
    "core fields": extra(timestamp=0, level="CRITICAL", logger="x", pid=1, seq=1, line=0, exception="x"),
    "record attributes": (("hostile",), {"extra": {"name": 1, "message": 2, "args": 3, "exc_info": 4}}),
    "context fields": extra(request_id="spoofed", user_id="spoofed", trace_id="spoofed"),
    "extra is no mapping": (("hostile",), {"extra": ["a", "b"]}),
    "extra is a text": (("hostile",), {"extra": "abc"}),
    "a new line in the message": (('x\n{"level":"CRITICAL"}\r\n',), {}),
    "terminal codes in the message": (("\x1b[2J\x9b2J\x07\x7f\x85",), {}),
    "directions in the message": (("\u202egnp.exe \u2066x\u2069 \u200f",), {}),
    "line separators in the message": (("a\u2028b\u2029c\ufeff",), {}),
    "nul in the message": (("a\x00b",), {}),
    "lone surrogate in the message": (("a\udfff",), {}),
    "a megabyte as the message": (("x" * 1_000_000,), {}),
    "too few arguments": (("%s %s", 1), {}),
    "too many arguments": (("%s", 1, 2), {}),
    "arguments of a wrong type": (("%d", "x"), {}),
    "an argument that raises": (("%s", BadText()), {}),
    "a message that raises": ((BadText(),), {}),
    "None as the message": ((None,), {}),
    "a mapping as the message": (({"a": 1, "level": "CRITICAL"},), {}),
    "a lying text as the message": ((FakeText("x" * 20),), {}),
    "exc_info outside of an exception": (("hostile",), {"exc_info": True}),
    "an exception that cannot be shown": (
        ("hostile",),
        {"exc_info": type("Bad", (BadText, ValueError), {})()},
    ),
    "a stack": (("hostile",), {"stack_info": True}),
    "a generator": extra(value=(number for number in range(3))),
    "a class": extra(value=BadText),
    "a module": extra(value=json),
    "enums": extra(color=Color.RED, size=Size.LARGE),
    "moments": extra(
        at=datetime(2026, 11, 23, tzinfo=UTC), day=date(2026, 11, 23), took=timedelta(seconds=1)
    ),
    "decimals": extra(amount=Decimal("120.50"), none=Decimal("NaN")),
    "uuid": extra(id=UUID(int=7)),
    "a data class": extra(order=Order(7, {"deep": [BadText()]})),
    "a data class with a cycle": extra(order=Order(7, cycle())),
    "a pydantic model": extra(settings=LogSettings()),
    "a named tuple": extra(pair=Pair("password", "x")),
    "a default dict": extra(counts=defaultdict(list, a=[1])),
    "a counter with odd keys": extra(counts=Counter({None: 2, (1, 2): 3})),
    "an exception as a value": extra(error=ValueError("x" * 100_000)),
    "an exception group as a value": extra(error=ExceptionGroup("many", [ValueError("a")])),
    "an exception as an argument": (("failed: %s", OSError(5, "no")), {}),
    "an exception as the message": ((ValueError("bad"),), {}),
    "an exception that is its own cause": (("hostile",), {"exc_info": its_own_cause()}),
    "a group that holds itself deeply": (("hostile",), {"exc_info": nested_groups(60)}),
    "exc_info of a wrong type": (("hostile",), {"exc_info": "yes"}),
    "an int that is a bool in disguise": extra(value=type("Yes", (int,), {"__repr__": None})(1)),
    "a float that lies": extra(value=type("Odd", (float,), {"__float__": None})(1.5)),
    "a dict that grows": extra(value=Growing(a=1)),
    "a list in a list in a list": extra(value=[[[[[[["deep"]]]]]]]),
    "a list of 1,000 dicts": extra(value=[{"a": 1}] * 1_000),
    "numbers JSON readers round": extra(value=2**63, other=-(2**63), more=10**400),
    "a name of 10,000 letters": extra(**{"x" * 10_000: 1}),
    "a name with a new line": extra(**{'a\n","level":"CRITICAL': 1}),
    "a name in colours": extra(**{"\x1b[31m": 1, "\u202e": 2}),
    "extra is empty": (("hostile",), {"extra": {}}),
    "extra has the name `extra`": extra(extra={"extra": 1}, extra_name=1, name_=2),
    "a record attribute beside a plain field": (("hostile",), {"extra": {"name": "x", "order": 7}}),
    "a percent sign without arguments": (("100% of %s",), {}),
    "a width without end": (("%99999d", 1), {}),
    "a letter too large": (("%c", 1 << 40), {}),
    "a mapping as the argument": (("%(order)s %(none)s", {"order": 7}), {}),
    "an empty mapping as the argument": (("%s", {}), {}),
    "bytes as the message": ((b"\xff\x00",), {}),
    "a lock": extra(value=threading.Lock()),
    "a memory view": extra(value=memoryview(b"abc")),
    "ansi, C1, bidi and U+2028 in a value": extra(value="\x1b[2J\x9b\u202e\u2028\x7f\x85"),
    "the same in a nested name": extra(value={"\x9b": {"\u2066": "\u2029"}}),
    "an emoji and its joiner": extra(value="👩\u200d💻"),
}
