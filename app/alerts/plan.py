"""What config/alerts.yaml may say: who is told of what and when, and what keeps whom quiet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, time
from difflib import get_close_matches
from typing import Annotated, Self
from zoneinfo import ZoneInfo

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

from ..core.signal import Severity
from .hours import Hours, days_of
from .patterns import ListOfTexts, Match, Texts, checked
from .rules.model import Anomaly, MetricRule, Objective
from .rules.shipping import EventRule, RuleEntry


def _minutes_of_day(given: object) -> object:
    """A time; YAML 1.1 reads 22:00 without quotes as the number 1320."""
    if isinstance(given, int) and not isinstance(given, bool):
        return f"{given // 60:02}:{given % 60:02}"
    return given


def _severities(given: object) -> object:
    words = (given,) if isinstance(given, str) else given
    return tuple(str(word).upper() for word in words) if isinstance(words, list | tuple) else given


def _unknown(what: str, name: str, known: object) -> str:
    names = list(known) if isinstance(known, list | dict) else []
    near = get_close_matches(name, names, n=1)
    return f"there is no {what} {name!r}" + (f" (did you mean {near[0]}?)" if near else "")


TimeOfDay = Annotated[time, BeforeValidator(_minutes_of_day)]


class Part(BaseModel):
    """A part of the file: nothing unknown in it, and it never changes."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Matched(Part):
    """A part that is about some alerts; without `match` about all."""

    match: Match = Field(default_factory=dict)

    @field_validator("match")
    @classmethod
    def _names_fields(cls, match: Match) -> Match:
        return checked(match) if match else match


class WeeklyHours(Part):
    """Hours of the week: `days` like Mon-Fri or Sat,Sun, `from` and `to` like 22:00."""

    days: str = "Mon-Sun"
    begin: TimeOfDay = Field(alias="from")
    end: TimeOfDay = Field(alias="to")
    timezone: str = ""

    @field_validator("days")
    @classmethod
    def _are_days(cls, days: str) -> str:
        days_of(days)
        return days

    @field_validator("timezone")
    @classmethod
    def _is_a_zone(cls, name: str) -> str:
        if name:
            try:
                ZoneInfo(name)
            except (KeyError, ValueError, OSError):
                raise ValueError(f"{name!r} is no IANA time zone (like America/Sao_Paulo)") from None
        return name

    def hours(self, zone: ZoneInfo) -> Hours:
        """The hours, in `zone` where they name none of their own."""
        own = ZoneInfo(self.timezone) if self.timezone else zone
        return Hours(self.begin, self.end, own, days_of(self.days))


class RouteRule(Matched):
    """Whom alerts go to that match, within some hours or outside of them."""

    name: str = ""
    hours: WeeklyHours | None = None
    outside: bool = False
    to: ListOfTexts = Field(min_length=1)
    go_on: bool = Field(default=False, alias="continue")


class EscalationStep(Part):
    """Who is told when nobody was on it so many minutes after it began."""

    after_minutes: float = Field(gt=0)
    to: ListOfTexts = Field(min_length=1)


class EscalationRule(Matched):
    """What happens when nobody acknowledges alerts that match."""

    name: str = ""
    steps: tuple[EscalationStep, ...] = Field(min_length=1)

    @field_validator("steps")
    @classmethod
    def _are_in_order(cls, steps: tuple[EscalationStep, ...]) -> tuple[EscalationStep, ...]:
        minutes = [step.after_minutes for step in steps]
        if minutes != sorted(set(minutes)):
            raise ValueError("each step has to come later than the one before")
        return steps


class QuietHours(WeeklyHours):
    """When what is not urgent waits until the end of the hours."""

    severities: Annotated[tuple[Severity, ...], BeforeValidator(_severities)] = (
        Severity.LOW,
        Severity.MEDIUM,
    )


class MaintenanceWindow(Matched):
    """When alerts that match are expected: once (`starts`, `ends`) or every week (`from`, `to`, `days`)."""

    name: str = Field(min_length=1)
    starts: datetime | None = None
    ends: datetime | None = None
    days: str = "Mon-Sun"
    begin: TimeOfDay | None = Field(default=None, alias="from")
    end: TimeOfDay | None = Field(default=None, alias="to")
    timezone: str = ""

    @model_validator(mode="after")
    def _has_one_kind_of_time(self) -> Self:
        once, weekly = (self.starts, self.ends), (self.begin, self.end)
        if (None in once) == (None in weekly) or (any(once) and any(weekly)):
            raise ValueError("give either starts and ends, or from and to")
        if self.starts is not None and self.ends is not None:
            if self.starts.tzinfo is None or self.ends.tzinfo is None:
                raise ValueError("starts and ends need a zone, like 2026-12-01T01:00:00-03:00")
            if self.ends <= self.starts:
                raise ValueError("it ends before it starts")
        else:
            WeeklyHours.model_validate(self._weekly())
        return self

    def end_after(self, now: datetime, zone: ZoneInfo) -> datetime | None:
        """When the window ends in which `now` lies, None outside of it."""
        if self.starts is not None and self.ends is not None:
            return self.ends.astimezone(UTC) if self.starts <= now < self.ends else None
        assert self.begin is not None
        assert self.end is not None
        own = ZoneInfo(self.timezone) if self.timezone else zone
        return Hours(self.begin, self.end, own, days_of(self.days)).end_after(now)

    def _weekly(self) -> dict[str, object]:
        return {"days": self.days, "from": self.begin, "to": self.end, "timezone": self.timezone}


class InhibitRule(Part):
    """While an alert that fits `source` fires, those that fit `target` and agree in `equal` are not told."""

    name: str = Field(min_length=1)
    source: Match = Field(min_length=1)
    target: Match = Field(min_length=1)
    equal: ListOfTexts = ()

    @field_validator("source", "target")
    @classmethod
    def _names_fields(cls, match: Match) -> Match:
        return checked(match)

    @field_validator("equal")
    @classmethod
    def _are_fields(cls, names: Texts) -> Texts:
        if names:
            checked(dict.fromkeys(names, ("*",)))
        return names


DATABASE_DOWN = InhibitRule(
    name="the database is down",
    source={"code": ("database_unreachable",)},
    target={"code": ("database_connections_high", "error_rate_high", "response_time_high", "slow_query")},
)
"""What the database's death explains needs no message of its own."""


class Plan(Part):
    """The whole file; without one, every channel is told of everything from its own severity on."""

    people: dict[str, dict[str, ListOfTexts]] = Field(default_factory=dict)
    routes: tuple[RouteRule, ...] = ()
    escalation: tuple[EscalationRule, ...] = ()
    quiet_hours: QuietHours | None = None
    maintenance: tuple[MaintenanceWindow, ...] = ()
    inhibit: tuple[InhibitRule, ...] = (DATABASE_DOWN,)
    rules: tuple[RuleEntry, ...] = ()
    objectives: tuple[Objective, ...] = ()
    anomalies: tuple[Anomaly, ...] = ()

    @model_validator(mode="after")
    def _rules_have_names_of_their_own(self) -> Self:
        names = [rule.name for rule in (*self.rules, *self.objectives, *self.anomalies)]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"two rules have the name {twice[0]}")
        return self

    @property
    def metric_rules(self) -> list[MetricRule]:
        """The rules on values, those that change a shipped one among them."""
        return [rule for rule in self.rules if isinstance(rule, MetricRule)]

    @property
    def event_rules(self) -> list[EventRule]:
        """How alerts without a threshold are told; the first that fits one decides."""
        return [rule for rule in self.rules if isinstance(rule, EventRule)]

    def named(self) -> Iterator[tuple[tuple[str | int, ...], str]]:
        """Where the file names whom, and the name."""
        for number, route in enumerate(self.routes):
            yield from ((("routes", number, "to", place), name) for place, name in enumerate(route.to))
        for number, rule in enumerate(self.escalation):
            for which, step in enumerate(rule.steps):
                for place, name in enumerate(step.to):
                    yield ("escalation", number, "steps", which, "to", place), name

    def wrong_name(self, name: str, channels: Mapping[str, bool]) -> str:
        """Why a name means nobody, "" when it means somebody.

        `channels`: those that are configured, and whether they can address a person.
        """
        channel, _, person = name.partition(":")
        known = [*channels, *self.people]
        if person:
            if person not in self.people:
                return _unknown("person", person, self.people)
            if not channels.get(channel) or channel not in self.people[person]:
                return f"{person} cannot be told by {channel}"
            return ""
        if name in channels:
            return ""
        if name in self.people:
            reachable = [one for one in self.people[name] if channels.get(one)]
            return "" if reachable else f"{name} has no address that a configured channel can use"
        return _unknown("channel or person", name, known)


EVERYBODY = Plan()
"""The plan of an installation without the file."""
