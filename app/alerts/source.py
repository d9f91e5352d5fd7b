"""The writing end: raises, resolves and observes by one line in the journal, from any thread or task."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ..core.clock import Clock, SystemClock
from ..core.guard import guard
from ..core.journal import Journal
from ..core.signal import Category, Condition, Severity, Signal
from .facts import Fact, Redact, fingerprint, observed, unchanged

_SEVERITIES = {str(severity): severity for severity in Severity}
_CATEGORIES = {str(category): category for category in Category}


class AlertSource:
    """What application code and the pages write alerts with; nothing here raises or waits.

    Until the alerts page opens its journal, facts wait in memory. `redact`, `adapt` and `on_fact` are
    set by the page: what takes secrets out of texts, what a file makes of a signal, whom to wake.
    """

    def __init__(self, journal: Journal) -> None:
        self.journal = journal
        self.clock: Clock = SystemClock()
        self.redact: Redact = unchanged
        self.adapt: Callable[[Signal], Signal | None] = _as_it_is
        self.on_fact: Callable[[], None] = _nobody

    def raise_alert(
        self,
        title: str,
        *,
        message: str = "",
        severity: Severity = Severity.MEDIUM,
        category: Category = Category.SYSTEM,
        key: str | None = None,
        labels: Mapping[str, str] | None = None,
        source: str = "app",
        expires_seconds: float | None = None,
    ) -> str:
        """Raise an alert, or count a repetition of it: the same source, category and key are the same alert.

        Returns its fingerprint (16 hex digits, or nothing for what cannot be one); when it returns, the
        alert survives SIGKILL. Without a key, the title is the key. With `expires_seconds` it is over when
        not raised again for so long.
        """
        with guard("alerts.raise"):
            return self._observe(
                Signal(
                    source=source,
                    key=str(title if key is None else key),
                    title=title,
                    severity=_severity(severity),
                    category=_category(category),
                    message=message,
                    labels=labels or {},
                    expires_seconds=expires_seconds,
                )
            )
        return ""

    def resolve_alert(
        self, key: str, *, category: Category = Category.SYSTEM, source: str = "app", message: str = ""
    ) -> None:
        """Say that it is over; nothing happens when it was not raised."""
        with guard("alerts.resolve"):
            self._observe(
                Signal(
                    source=source,
                    key=str(key),
                    title=str(key),
                    severity=Severity.LOW,
                    category=_category(category),
                    condition=Condition.CLEARED,
                    message=message,
                )
            )

    def observe(self, signal: Signal) -> None:
        """Take a signal of a page; this is the Emit that all of them are given."""
        with guard("alerts.observe"):
            self._observe(signal)

    def write(self, fact: Fact) -> bool:
        """Write a fact; False when it only waits in memory, because the journal cannot be written now."""
        written = self.journal.append(fact)
        self.on_fact()
        return written

    def _observe(self, signal: Signal) -> str:
        """Write it if anybody wants it; its fingerprint."""
        wanted = self.adapt(signal)
        if wanted is None:
            return fingerprint(signal.source, signal.category, signal.key)
        fact = observed(wanted, self.clock.now(), self.redact)
        self.write(fact)
        return fact.fingerprint


def _severity(given: str) -> Severity:
    """HIGH for a word that is none: whoever raises an alert in an emergency must not get an exception."""
    return _SEVERITIES.get(str(given).upper(), Severity.HIGH)


def _category(given: str) -> Category:
    return _CATEGORIES.get(str(given).upper(), Category.SYSTEM)


def _as_it_is(signal: Signal) -> Signal:
    """No file says anything of it."""
    return signal


def _nobody() -> None:
    """Nobody is to be woken."""
