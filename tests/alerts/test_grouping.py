"""What goes out as one message."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from app.alerts.grouping import Grouping, digest_key, digest_of
from app.alerts.model import Item, Kind
from app.alerts.settings import AlertSettings
from app.core.signal import Severity

from .examples import NOON, fired

GROUPING = Grouping(("category", "labels.team"), AlertSettings().group_wait_seconds)


def test_group_is_named_by_what_its_alerts_have_in_common() -> None:
    """And good news is a group of its own."""
    alert = fired(labels={"team": "shop"})
    assert GROUPING.group_of(alert, Kind.FIRED) == "BUSINESS shop "
    assert GROUPING.group_of(alert, Kind.RESOLVED) == "BUSINESS shop over"
    assert GROUPING.group_of(fired(), Kind.FIRED) == "BUSINESS  "


def test_only_what_is_new_waits() -> None:
    """A rise, an end, a reminder or an escalation has been waited for."""
    assert GROUPING.wait_of(fired(), Kind.FIRED) == 5
    assert GROUPING.wait_of(fired(severity=Severity.CRITICAL), Kind.FIRED) == 0
    assert {GROUPING.wait_of(fired(), kind) for kind in (Kind.WORSE, Kind.RESOLVED, Kind.ESCALATED)} == {0}


def test_digest_shows_the_worst_ten_and_counts_all() -> None:
    """The worst first, and since when."""
    items = [
        Item(Kind.FIRED, fired(NOON + timedelta(seconds=n), title=f"a{n}", severity=list(Severity)[n % 4]), 2)
        for n in range(30)
    ]
    digest = digest_of(items)
    assert [item.alert.severity for item in digest.items] == [Severity.CRITICAL] * 7 + [Severity.HIGH] * 3
    assert list(digest.by_severity.items()) == [
        (Severity.CRITICAL, 7), (Severity.HIGH, 7), (Severity.MEDIUM, 8), (Severity.LOW, 8),
    ]  # fmt: skip
    assert (digest.total, digest.since, digest.by_kind) == (30, NOON, {Kind.FIRED: 30})
    over = replace(items[0], kind=Kind.RESOLVED, alert=fired(severity=Severity.CRITICAL))
    assert digest_of([over, items[3]]).items[0] is items[3]


def test_key_of_a_digest_is_that_of_what_it_holds() -> None:
    """In any order; another channel has another."""
    assert digest_key(["a", "b"], "mail") == digest_key(["b", "a"], "mail")
    assert (
        len({digest_key(["a", "b"], "mail"), digest_key(["a"], "mail"), digest_key(["a", "b"], "chat")}) == 3
    )
