"""Who was served already."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from app.alerts.channels.recipients import Served
from app.core.errors import DeliveryFailed


def test_served_recipients_are_not_missing() -> None:
    """For that notice, until it is delivered as a whole."""
    served = Served()
    served.add("n1", {"ana": "m1"})
    assert served.missing("n1", ["ana", "bob"]) == ["bob"]
    assert served.missing("n2", ["ana", "bob"]) == ["ana", "bob"]
    served.forget("n1")
    assert served.missing("n1", ["ana"]) == ["ana"]


def test_memory_is_bounded() -> None:
    """Notices that never succeed do not pile up."""
    served = Served()
    for number in range(1_000):
        served.add(f"n{number}", {"ana": "m1"})
    assert served.missing("n0", ["ana"]) == ["ana"]
    assert served.missing("n999", ["ana"]) == []


def refusing(*names: str, permanent: bool) -> Callable[[str], str]:
    """Sends to all but these."""

    def send(recipient: str) -> str:
        if recipient in names:
            raise DeliveryFailed(f"{recipient} refused", permanent=permanent)
        return f"sent to {recipient}"

    return send


def test_refused_recipients_are_named() -> None:
    """As long as somebody was served."""
    answers, refused = Served().each("n", ("ana", "bob"), refusing("ana", permanent=True))
    assert (answers, refused) == (["sent to bob"], ("ana refused",))
    with pytest.raises(DeliveryFailed) as caught:
        Served().each("n", ("ana", "bob"), refusing("ana", "bob", permanent=True))
    assert caught.value.permanent


def test_who_may_take_it_later_is_tried_again_alone() -> None:
    """Nobody is served twice, and nothing that was answered before is forgotten."""
    served = Served()
    with pytest.raises(DeliveryFailed) as caught:
        served.each("n", ("ana", "bob"), refusing("bob", permanent=False))
    assert caught.value.uncertain, "after a restart nobody knows that ana has it"
    assert served.each("n", ("ana", "bob"), refusing(permanent=False)) == (["sent to ana", "sent to bob"], ())


def test_refused_one_after_the_other_is_refused() -> None:
    """Also if the second one was to wait at first: somebody else has to be told."""
    served = Served()
    with pytest.raises(DeliveryFailed):
        served.each(
            "n", ("ana", "bob"), one_each(DeliveryFailed("no", permanent=True), DeliveryFailed("wait"))
        )
    with pytest.raises(DeliveryFailed) as caught:
        served.each("n", ("ana", "bob"), refusing("bob", permanent=True))
    assert caught.value.permanent


def one_each(*failures: DeliveryFailed) -> Callable[[str], str]:
    """Fails each time in another way."""
    left = iter(failures)

    def send(_: str) -> str:
        raise next(left)

    return send
