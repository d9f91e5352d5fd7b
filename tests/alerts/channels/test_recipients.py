"""Who was served already."""

from __future__ import annotations

from app.alerts.channels.recipients import Served


def test_served_recipients_are_not_missing() -> None:
    """For that notice, until it is delivered as a whole."""
    served = Served()
    served.add("n1", ["ana"])
    assert served.missing("n1", ["ana", "bob"]) == ["bob"]
    assert served.missing("n2", ["ana", "bob"]) == ["ana", "bob"]
    served.forget("n1")
    assert served.missing("n1", ["ana"]) == ["ana"]


def test_memory_is_bounded() -> None:
    """Notices that never succeed do not pile up."""
    served = Served()
    for number in range(1_000):
        served.add(f"n{number}", ["ana"])
    assert served.missing("n0", ["ana"]) == ["ana"]
    assert served.missing("n999", ["ana"]) == []
