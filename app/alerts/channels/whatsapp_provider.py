"""What WhatsApp's channel asks of those who take messages for WhatsApp."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from ..model import Delivery, Limits, Notice


@dataclass(frozen=True, slots=True)
class Content:
    """One message: as text, and as the variables of a template, each one line and none empty.

    `code` stands in both, is the same at every attempt, and no other message has it.
    """

    key: str
    code: str
    body: str
    variables: tuple[str, ...]


class Provider(Protocol):
    """Who takes messages for WhatsApp; DeliveryFailed when it refuses or does not answer in time."""

    @property
    def limits(self) -> Limits: ...
    @property
    def is_final(self) -> bool:
        """Whether nothing more can be learned of a message that it has accepted."""
        ...

    def send(self, recipient: str, content: Content, seconds: float) -> str:
        """The id of the message."""
        ...

    def check(self, seconds: float) -> None: ...
    def status(self, ids: Sequence[str], seconds: float) -> Delivery:
        """What became of messages."""
        ...

    def sent_to(self, recipient: str, notice: Notice, content: Content, seconds: float) -> str:
        """The id of the message if this recipient was sent it before, else ""."""
        ...
