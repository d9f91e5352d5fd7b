"""From a value to a grade."""

from __future__ import annotations

from dataclasses import dataclass

from .model import Grade


@dataclass(frozen=True, slots=True)
class Threshold:
    """Over `warning` or `critical`, each infinite where there is none; `unit` is how people read it."""

    warning: float
    critical: float
    unit: str = "%"

    def grade(self, value: float | None) -> Grade:
        """The grade of one value by itself."""
        if value is None or value <= min(self.warning, self.critical):
            return Grade.OK
        return Grade.CRITICAL if value > self.critical else Grade.WARNING
