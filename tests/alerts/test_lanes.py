"""Channels, and channels to people."""

from __future__ import annotations

from app.alerts.channels.recording import RecordingChannel
from app.alerts.config import parse_plan
from app.alerts.lanes import addressable, lane_of, offer, with_people
from app.alerts.model import Limits, Receipt
from app.alerts.settings import AlertSettings

from .examples import a_notice

PLAN = parse_plan("people: {ana: {mail: ana@example.org, pager: P1}, bob: {mail: [b@x, c@x]}}", "alerts.yaml")


class Pager(RecordingChannel):
    """A channel that has one recipient and can be asked what it has."""

    addressable = False
    limits = Limits(2, 1.0)

    def look_up(self, notice: object) -> Receipt | None:
        return Receipt(repr(notice))


def test_each_address_is_a_lane_where_the_channel_can_use_it() -> None:
    """The pager knows nobody by name."""
    mail, pager = RecordingChannel("mail"), Pager("pager")
    lanes = with_people([mail, pager], PLAN)
    assert [lane.name for lane in lanes] == ["mail", "pager", "mail:ana", "mail:bob"]
    lanes[3].deliver(a_notice())
    lanes[0].deliver(a_notice())
    assert [notice.recipients for notice in mail.notices] == [("b@x", "c@x"), ()]
    assert addressable([mail, pager]) == {"mail": True, "pager": False}


def test_lane_to_a_person_offers_what_its_channel_does() -> None:
    """And asks for her messages only."""
    plan = parse_plan("people: {ana: {pager: P1}}", "alerts.yaml")
    pager = Pager("pager")
    pager.addressable = True
    _, lane = with_people([pager], plan)
    assert "P1" in offer(lane, "look_up")(a_notice()).reference
    assert offer(lane, "limits") == Limits(2, 1.0)
    assert offer(lane, "refresh") is None
    assert offer(with_people([RecordingChannel("mail")], PLAN)[1], "look_up") is None
    lane.check()


def test_people_get_fewer_messages_than_machines() -> None:
    """A channel that takes digests is held to what a person can read, and to its own limits."""
    settings = AlertSettings()
    assert lane_of(RecordingChannel(takes_digests=True), settings).limits == Limits(4, 60)
    assert lane_of(Pager("pager"), settings).limits == Limits(2, 1.0)
    assert lane_of(Pager("pager", takes_digests=True), settings).limits == Limits(2, 60)
