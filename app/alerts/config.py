"""The one reader of config/alerts.yaml: a Plan, or an error that names the line of each mistake."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import yaml
from pydantic import BaseModel, ValidationError

from ..core.errors import SettingsError
from .plan import Plan
from .rules.trial import TrialFile, failures
from .rules.watches import RuleSet

_HINT = "Correct it and try again: python -m app alerts check-config"
Place = tuple[str | int, ...]
_Model = TypeVar("_Model", bound=BaseModel)


def read_plan(path: Path, channels: Mapping[str, bool] | None = None) -> Plan:
    """What the file says, the defaults when there is none; SettingsError with every mistake at once.

    `channels`: those that are configured, and whether they can address a person; with them, names are
    checked too.
    """
    text = _text_of(path)
    return Plan() if text is None else parse_plan(text, path.name, channels)


def parse_plan(text: str, name: str, channels: Mapping[str, bool] | None = None) -> Plan:
    """The plan that a text holds; `name` is what errors call it."""
    tree, plan = _parsed(text, name, Plan)
    if channels is not None:
        _check_names(plan, name, tree, channels)
    return plan


def read_trial(path: Path) -> TrialFile:
    """The unit tests of rules that a file holds; SettingsError with every mistake at once."""
    text = _text_of(path)
    if text is None:
        raise SettingsError(f"there is no {path}", "See docs/alerts.md for how rules are tested.")
    return _parsed(text, path.name, TrialFile)[1]


def tried_rules(path: Path, default: Path, zone: ZoneInfo) -> list[tuple[str, list[str]]]:
    """Each test of a file by name, with what was not as expected; SettingsError.

    The rules are those of its `rule_files`, found beside it, or of `default`.
    """
    trial = read_trial(path)
    files = [path.parent / name for name in trial.rule_files] or [default]
    plans = [read_plan(file) for file in files]
    rules = RuleSet(
        [rule for plan in plans for rule in plan.rules],
        [goal for plan in plans for goal in plan.objectives],
        [anomaly for plan in plans for anomaly in plan.anomalies],
    )
    return [
        (case.name or f"test {number}", list(failures(case, rules, trial.evaluation_interval, zone)))
        for number, case in enumerate(trial.tests, start=1)
    ]


def _text_of(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} cannot be read ({error})", "See its permissions.") from None


def _parsed(text: str, name: str, model: type[_Model]) -> tuple[yaml.Node | None, _Model]:
    try:
        tree = yaml.compose(text, Loader=yaml.SafeLoader)
        given = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise SettingsError(_unreadable(name, error), _HINT) from None
    try:
        return tree, model.model_validate({} if given is None else given)
    except ValidationError as error:
        mistakes = [_mistake(name, tree, model, dict(detail)) for detail in error.errors()]
        raise SettingsError("; ".join(mistakes), _HINT) from None


def _check_names(plan: Plan, name: str, tree: yaml.Node | None, channels: Mapping[str, bool]) -> None:
    wrong = [(place, plan.wrong_name(who, channels)) for place, who in plan.named()]
    mistakes = [f"{name}, line {_line(tree, place)}: {why}" for place, why in wrong if why]
    if mistakes:
        raise SettingsError("; ".join(mistakes), _HINT)


def _unreadable(name: str, error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    where = f", line {mark.line + 1}" if mark is not None else ""
    return f"{name}{where}: {getattr(error, 'problem', None) or 'it is no YAML'}"


def _mistake(name: str, tree: yaml.Node | None, model: type[BaseModel], detail: Mapping[str, Any]) -> str:
    place: Place = detail["loc"]
    said = str(detail["msg"]).removeprefix("Value error, ")
    if detail["type"] == "extra_forbidden":
        said = f"there is no {place[-1]!r} here{_meant(model, place)}"
    path = ".".join(str(part) for part in place) or "the file"
    return f"{name}, line {_line(tree, place)}: {path}: {said}"


def _meant(root: type[BaseModel], place: Place) -> str:
    """The nearest word that is known at a place of the file."""
    model: type[BaseModel] | None = root
    for part in place[:-1]:
        if isinstance(part, str) and model is not None:
            model = _model_of(model, part)
    known = [] if model is None else [field.alias or name for name, field in model.model_fields.items()]
    near = get_close_matches(str(place[-1]), known, n=1)
    return f" (did you mean {near[0]}?)" if near else f" (known are {', '.join(known)})" if known else ""


def _model_of(model: type[BaseModel], name: str) -> type[BaseModel] | None:
    found = next((f for n, f in model.model_fields.items() if name in (n, f.alias)), None)
    kinds: Sequence[Any] = (
        () if found is None else (found.annotation, *getattr(found.annotation, "__args__", ()))
    )
    return next((kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel)), None)


def _line(node: yaml.Node | None, place: Place) -> int:
    """The line of the innermost part of a place that stands in the text; the first one is 1."""
    line = 1
    for part in place:
        if isinstance(node, yaml.MappingNode):
            pair = next((pair for pair in node.value if pair[0].value == str(part)), None)
            if pair is None:
                break
            line, node = pair[0].start_mark.line + 1, pair[1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            node = node.value[part]
            line = node.start_mark.line + 1
    return line
