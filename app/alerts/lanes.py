"""The lanes of an installation: its channels, and each channel to each person that it can address."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ..core.signal import Severity
from .channels import Channel
from .model import Limits, Notice, Receipt
from .plan import Plan
from .policy import Lane, lane_limits
from .settings import AlertSettings


@dataclass(frozen=True)
class ToPerson:
    """A channel that tells one person, instead of those whom it usually tells."""

    channel: Channel
    person: str
    addresses: tuple[str, ...]

    @property
    def name(self) -> str:
        return f"{self.channel.name}:{self.person}"

    @property
    def minimum_severity(self) -> Severity:
        return self.channel.minimum_severity

    def deliver(self, notice: Notice) -> Receipt:
        return self.channel.deliver(replace(notice, recipients=self.addresses))

    def check(self) -> None:
        self.channel.check()

    def look_up(self, notice: Notice) -> Receipt | None:
        """As the channel does; only asked for where it can."""
        found: Receipt | None = offer(self.channel, "look_up")(replace(notice, recipients=self.addresses))
        return found

    def __getattr__(self, name: str) -> Any:
        """What a channel may offer besides."""
        return getattr(self.channel, name)


def offer(channel: Channel, name: str, default: Any = None) -> Any:
    """What a channel offers beyond its promises, `default` where it does not."""
    if name == "look_up" and isinstance(channel, ToPerson):
        return channel.look_up if hasattr(channel.channel, name) else default
    return getattr(channel, name, default)


def addressable(channels: Iterable[Channel]) -> Mapping[str, bool]:
    """The names of the channels, and whether they can address a person."""
    return {channel.name: bool(offer(channel, "addressable", default=False)) for channel in channels}


def with_people(channels: Iterable[Channel], plan: Plan) -> list[Channel]:
    """The channels, and one more for each address of each person that a channel can use."""
    own = list(channels)
    return own + [
        ToPerson(channel, person, addresses[channel.name])
        for person, addresses in plan.people.items()
        for channel in own
        if channel.name in addresses and offer(channel, "addressable", default=False)
    ]


def lane_of(channel: Channel, settings: AlertSettings) -> Lane:
    """A channel as the engine treats it."""
    digests = bool(offer(channel, "takes_digests", default=True))
    limits = lane_limits(settings, offer(channel, "limits", Limits()), digests=digests)
    can_be_asked = offer(channel, "look_up") is not None
    return Lane(channel.name, channel.minimum_severity, limits, digests, can_be_asked)
