"""Random scripts of conditions, silences, inhibition and routes, in words that both engines can be told."""

from __future__ import annotations

import random
import re
from collections.abc import Iterable, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from typing import TypeAlias

TICKS = 12
"""How many acts a script has; between two of them everything that both engines wait for is over."""
FOREVER = 1_000.0
LANES = ("a", "b")
SEVERITIES = ("LOW", "MEDIUM", "HIGH", "CRITICAL")

Matchers: TypeAlias = Mapping[str, tuple[str, ...]]
"""As in app/alerts/matching.py: a field, and texts with * and ? of which one has to fit."""


@dataclass(frozen=True)
class Condition:
    """Something that can fire; by itself it is over `lasts` ticks after it was last raised."""

    key: str
    severity: str
    labels: Mapping[str, str]
    lasts: float = FOREVER

    def text(self, name: str) -> str:
        """What a matcher of that field is held against."""
        own = {"key": self.key, "severity": self.severity}
        return own[name] if name in own else self.labels.get(name.removeprefix("labels."), "")


@dataclass(frozen=True)
class Inhibition:
    """As `inhibit` in config/alerts.yaml."""

    source: Matchers
    target: Matchers
    equal: tuple[str, ...]

    def explains(self, target: Condition, firing: Iterable[Condition]) -> bool:
        """Whether something that fires makes the target need no notice, as Alertmanager documents it."""
        is_cause_too = fits(self.source, target)
        return fits(self.target, target) and any(
            fits(self.source, cause)
            and cause != target
            and not (is_cause_too and fits(self.target, cause))
            and all(cause.text(name) == target.text(name) for name in self.equal)
            for cause in firing
        )


@dataclass(frozen=True)
class Route:
    """As `routes` in config/alerts.yaml."""

    match: Matchers
    to: tuple[str, ...]
    goes_on: bool


@dataclass(frozen=True)
class Raise:
    """All of these are so now, or still."""

    keys: tuple[str, ...]


@dataclass(frozen=True)
class End:
    """They are over."""

    keys: tuple[str, ...]


@dataclass(frozen=True)
class Blip:
    """It came and went before anybody could be told."""

    key: str


@dataclass(frozen=True)
class Quiet:
    """A silence begins, and lasts so many ticks."""

    number: int
    matchers: Matchers
    lasts: float


@dataclass(frozen=True)
class Unquiet:
    """A silence is ended before its time."""

    number: int


Act: TypeAlias = Raise | End | Blip | Quiet | Unquiet | None


@dataclass(frozen=True)
class Script:
    """One story. `together`: alerts of one script go out in one message where that is possible."""

    name: str
    together: bool
    conditions: tuple[Condition, ...]
    inhibitions: tuple[Inhibition, ...]
    routes: tuple[Route, ...]
    acts: tuple[Act, ...]

    def condition(self, key: str) -> Condition:
        """The condition of that key."""
        return next(condition for condition in self.conditions if condition.key == key)


@dataclass
class Situation:
    """What fires and which silences there are, each with the tick at which it ends by itself."""

    script: Script
    firing: dict[str, float] = field(default_factory=dict)
    quiet: dict[int, tuple[Matchers, float]] = field(default_factory=dict)

    def happen(self, act: Act, tick: int) -> set[str]:
        """One act; what has ended by it."""
        match act:
            case Raise(keys):
                for key in keys:
                    # Because Alertmanager keeps the later of two ends, they are always raised for as long.
                    self.firing[key] = tick + self.script.condition(key).lasts
            case End(keys):
                return {key for key in keys if self.firing.pop(key, None) is not None}
            case Blip(key):
                return {key}
            case Quiet(number, matchers, lasts):
                self.quiet[number] = (matchers, tick + lasts)
            case Unquiet(number):
                self.quiet.pop(number, None)
        return set()

    def pass_to(self, tick: float) -> set[str]:
        """Time passes; what has ended by itself."""
        over = {key for key, ends in self.firing.items() if ends <= tick}
        self.firing = {key: ends for key, ends in self.firing.items() if key not in over}
        self.quiet = {number: quiet for number, quiet in self.quiet.items() if quiet[1] > tick}
        return over

    def has_a_coincidence(self) -> bool:
        """Whether something and a silence end at one instant, which is read in either order."""
        return not set(self.firing.values()).isdisjoint(ends for _, ends in self.quiet.values())

    def is_muted(self, key: str) -> bool:
        """Whether a silence is about the condition, or something that fires explains it."""
        condition = self.script.condition(key)
        firing = [self.script.condition(one) for one in self.firing]
        return any(fits(matchers, condition) for matchers, _ in self.quiet.values()) or any(
            rule.explains(condition, firing) for rule in self.script.inhibitions
        )


def fits(matchers: Matchers, condition: Condition) -> bool:
    """Whether every matcher fits, read as the expressions that Alertmanager is given."""
    return all(re.fullmatch(expression(texts), condition.text(name)) for name, texts in matchers.items())


def expression(texts: Iterable[str]) -> str:
    """The regular expression of texts with * and ?, and of a severity with a plus."""
    return "|".join(_expression(text) for text in texts)


def _expression(text: str) -> str:
    if text.removesuffix("+") in SEVERITIES and text.endswith("+"):
        return "|".join(SEVERITIES[SEVERITIES.index(text.removesuffix("+")) :])
    return re.escape(text).replace(r"\*", ".*").replace(r"\?", ".")


def some_script(name: str, chance: random.Random) -> Script:
    """A script in which everything can happen to a handful of conditions."""
    conditions = tuple(_some_condition(f"k{number}", chance) for number in range(chance.randint(2, 5)))
    script = Script(
        name,
        chance.random() < 0.5,
        conditions,
        tuple(_some_inhibition(chance) for _ in range(chance.choice([0, 1, 1, 2]))),
        tuple(_some_route(chance) for _ in range(chance.choice([0, 0, 1, 2, 3]))),
        (),
    )
    situation = Situation(script)
    acts = tuple(_some_act(situation, tick, chance) for tick in range(TICKS))
    return Script(name, script.together, conditions, script.inhibitions, script.routes, acts)


def _some_condition(key: str, chance: random.Random) -> Condition:
    labels = {"host": chance.choice(["h1", "h2"]), "team": chance.choice(["shop", "pay[1]", "pay 1"])}
    for missing in [name for name in labels if chance.random() < 0.2]:
        del labels[missing]
    lasts = FOREVER if chance.random() < 0.7 else chance.randint(0, 3) + 0.5
    return Condition(key, chance.choice(SEVERITIES), labels, lasts)


def _some_inhibition(chance: random.Random) -> Inhibition:
    equal = tuple(name for name in ("labels.host", "labels.team") if chance.random() < 0.4)
    return Inhibition(_some_matchers(chance), _some_matchers(chance), equal)


def _some_route(chance: random.Random) -> Route:
    return Route(_some_matchers(chance), chance.choice([("a",), ("b",), ("a", "b")]), chance.random() < 0.3)


def _some_matchers(chance: random.Random) -> Matchers:
    possible: dict[str, list[tuple[str, ...]]] = {
        "key": [("k0",), ("k1",), ("k?",), ("k0", "k2"), ("k3", "*1")],
        "severity": [("HIGH+",), ("MEDIUM+",), ("CRITICAL",), ("LOW", "HIGH")],
        "labels.host": [("h1",), ("h*",), ("*",), ("",)],
        "labels.team": [("shop",), ("pay[1]",), ("pay?1",), ("pay*",), ("?hop", "")],
    }
    names = chance.sample(list(possible), chance.choice([1, 1, 2]))
    return {name: chance.choice(possible[name]) for name in names}


def _some_act(situation: Situation, tick: int, chance: random.Random) -> Act:
    """What makes sense at that tick; the situation moves on to the next one."""
    firing = sorted(situation.firing)
    calm = [one.key for one in situation.script.conditions if one.key not in firing]
    possible: list[tuple[float, Act]] = [(4, None), (18, _some_quiet(tick, chance))]
    if calm:
        several = tuple(chance.sample(calm, chance.randint(1, len(calm))))
        possible += [(40, Raise(several)), (8, Blip(chance.choice(calm)))]
    if firing:
        several = tuple(chance.sample(firing, chance.randint(1, len(firing))))
        possible += [(26, End(several)), (6, Raise((chance.choice(firing),)))]
    if situation.quiet:
        possible.append((10, Unquiet(chance.choice(sorted(situation.quiet)))))
    (act,) = chance.choices([act for _, act in possible], [weight for weight, _ in possible])
    trial = deepcopy(situation)
    trial.happen(act, tick)
    act = None if trial.has_a_coincidence() else act
    situation.happen(act, tick)
    situation.pass_to(tick + 0.5)
    return act


def _some_quiet(number: int, chance: random.Random) -> Quiet:
    """Silences have one text a matcher."""
    matchers = {name: texts[:1] for name, texts in _some_matchers(chance).items()}
    return Quiet(number, matchers, chance.choice([0.5, 1.5, 2.5, FOREVER]))
