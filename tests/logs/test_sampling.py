from __future__ import annotations

import logging
from collections import Counter

import pytest

from app.logs.format import JsonLines
from app.logs.handler import FilesHandler
from app.logs.logger import DirectLogger
from app.logs.sampling import LeftOut, Sampler, sampler_of
from app.logs.settings import LogSettings
from app.logs.streams import FILES

from .kept import Kept

SECOND = 1_000_000
HERE = b'"module":"orders","function":"pay","line":17'


def let_through(
    sampler: Sampler, times: int, *, level: int = logging.INFO, logger: str = "app", at: int = 0
) -> int:
    """How many of so many calls of one place leave a record."""
    return sum(not sampler.leaves_out(logger, level, HERE, at, f"call {n}") for n in range(times))


def logger(sampler: Sampler, kept: Kept) -> logging.Logger:
    made = DirectLogger("app.orders", logging.INFO)
    made.addHandler(FilesHandler(JsonLines(), dict.fromkeys(FILES, kept), sampler))  # type: ignore[arg-type]
    return made


def test_the_first_of_a_second_are_written_then_one_in_so_many():
    """With 3 first and one in 10 thereafter, 103 calls leave 13 records, and the next second begins anew."""
    sampler = Sampler(3, 10, logging.INFO)
    assert let_through(sampler, 103) == 13
    assert let_through(sampler, 3, at=SECOND) == 3
    assert sampler.left_out == 90


def test_what_matters_is_never_sampled():
    """Higher levels, the specialised loggers and our own are always written."""
    sampler = Sampler(1, 1_000, logging.INFO)
    assert let_through(sampler, 50, level=logging.WARNING) == 50
    assert let_through(sampler, 50, logger="security.login") == 50
    assert let_through(sampler, 50, logger="atalaia.access") == 50


def test_each_call_is_counted_for_itself():
    """A busy call takes nothing from another level or place."""
    sampler = Sampler(1, 1_000, logging.INFO)
    assert let_through(sampler, 10) == let_through(sampler, 10, level=logging.DEBUG) == 1


def test_what_was_left_out_is_told_once():
    """A summary names the call, how many are missing, and what the last one said."""
    sampler = Sampler(1, 1_000, logging.INFO)
    let_through(sampler, 5)
    assert list(sampler.take()) == [LeftOut("app", logging.INFO, HERE, 4, "call 4")]
    assert list(sampler.take()) == []


def test_many_calls_do_not_fill_the_memory():
    """Places are forgotten when there are too many, but not what must still be told."""
    sampler = Sampler(1, 1_000, logging.INFO)
    for number in range(10_000):
        sampler.leaves_out("app", logging.INFO, b"%d" % number, 0, "x")
    assert len(sampler._sites) <= 4_096


@pytest.mark.parametrize("others", [[], [logging.NullHandler()]], ids=["direct", "by the handler"])
def test_a_summary_stands_in_the_log(others: list[logging.Handler]):
    """The record logs.sampled has the logger, level and place of the call, redacted like any other."""
    kept, sampler = Kept(), Sampler(2, 10, logging.INFO)
    log = logger(sampler, kept)
    log.handlers += others
    for number in range(12):
        log.info("to maria@example.com", extra={"n": number})
    log.handlers[0].tell_left_out()  # type: ignore[attr-defined]
    summary = kept.records[-1]
    assert [record.get("n") for record in kept.records] == [0, 1, 11, None]
    assert (summary["message"], summary["left_out"], summary["last"]) == ("logs.sampled", 9, "to [email]")
    assert Counter(record["line"] for record in kept.records).total() == 4
    assert len({(record["logger"], record["level"], record["line"]) for record in kept.records}) == 1


def test_it_is_off_unless_asked_for():
    """A record whose call returned is in the file: leaving some out is the operator's decision."""
    assert sampler_of(LogSettings()) is None
    assert sampler_of(LogSettings(sample_first=100)) is not None
