"""The errors of Atalaia: each states a fact and gives a hint.

    AtalaiaError                 anything an operator can see
    ├── SettingsError            a setting is unknown, missing or has a bad value
    ├── InputRejected            what a caller sent cannot be accepted (HTTP 4xx, exit code 2)
    │   ├── NotFound             there is nothing by that id
    │   └── Conflict             it cannot be done now, because something else is under way
    ├── Unavailable              something outside (database, program, disk) does not answer
    └── DeliveryFailed           a channel could not deliver; says whether trying again can help

The fact is in lower case and without a full stop; the hint is a sentence that tells what to do.
"""

from __future__ import annotations


class AtalaiaError(Exception):
    """An error with a fact (what is wrong) and a hint (what to do about it, may be empty)."""

    def __init__(self, fact: str, hint: str = "") -> None:
        super().__init__(fact)
        self.fact = fact
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.fact}\nHINT: {self.hint}" if self.hint else self.fact


class SettingsError(AtalaiaError):
    """One or more settings are unknown, missing or have a bad value."""


class InputRejected(AtalaiaError):
    """What a caller sent cannot be accepted; nothing of it was kept."""


class NotFound(InputRejected):
    """There is nothing by the id that was given."""


class Conflict(InputRejected):
    """The request cannot be carried out in the present state."""


class Unavailable(AtalaiaError):
    """Something outside of Atalaia does not answer or is not there."""


class DeliveryFailed(AtalaiaError):
    """A channel did not deliver.

    permanent: trying again cannot help. retry_after: seconds the other side asked for, if it did.
    uncertain: all of it was handed over before it failed, so that it may have been delivered.
    """

    def __init__(
        self,
        fact: str,
        hint: str = "",
        *,
        permanent: bool = False,
        retry_after: float | None = None,
        uncertain: bool = False,
    ) -> None:
        super().__init__(fact, hint)
        self.permanent = permanent
        self.retry_after = retry_after
        self.uncertain = uncertain
