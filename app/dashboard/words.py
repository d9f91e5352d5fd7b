"""What the pages say, so that no language can forget a part of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Words:
    """The texts of one language.

    `{...}` in a text is the place of a value. `named` translates words that the documents use for
    levels, severities, categories, states, resources and figures, and what refuses a login.
    """

    language: str
    decimal_comma: bool
    sign_in: str
    sign_out: str
    key: str
    key_hint: str
    back: str
    skip: str
    version: str
    uptime: str
    workers: str
    leader: str
    ago: str
    ahead: str
    moment: str
    level: str
    unavailable: str
    no_alerts: str
    acknowledge: str
    acknowledged_by: str
    comes_and_goes: str
    not_told: str
    until: str
    resolve: str
    no_requests: str
    per_second: str
    errors: str
    in_flight: str
    route: str
    count: str
    slowest_routes: str
    warns_at: str
    figure: str
    today: str
    yesterday: str
    no_external: str
    service: str
    latency: str
    checked: str
    no_backup: str
    no_database: str
    back_up_now: str
    running: str
    last_good: str
    last_failure: str
    second_copy: str
    no_second_copy: str
    next_due: str
    size: str
    state: str
    reason: str
    no_errors: str
    error: str
    times: str
    first_seen: str
    last_seen: str
    no_logs: str
    message: str
    your_name: str
    is_resolved: str
    is_silenced: str
    alert_over: str
    named: Mapping[str, str]

    def name(self, word: str) -> str:
        """A word of a document in this language; itself where it has no translation."""
        return self.named.get(word, word)
