"""The one reader of config/alerts.yaml: a Plan, or an error that names the line of each mistake."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeVar, get_args
from zoneinfo import ZoneInfo

import yaml
from pydantic import BaseModel, ValidationError

from ..core.command import COMMAND
from ..core.errors import SettingsError
from ..core.shipped import ShippedRule
from .plan import Plan
from .rules.shipping import merged
from .rules.trial import TrialFile, failures
from .rules.watches import RuleSet

_HINT = f"Correct it and try again: {COMMAND} alerts check-config"
Place = tuple[str | int, ...]
_Model = TypeVar("_Model", bound=BaseModel)


def read_plan(
    path: Path, channels: Mapping[str, bool] | None = None, shipped: Sequence[ShippedRule] = ()
) -> Plan:
    """What the file says, the defaults when there is none; SettingsError with every mistake at once.

    `channels`: those that are configured, and whether they can address a person; with them, names are
    checked too. `shipped`: the rules that the file may change by their names.
    """
    text = _text_of(path)
    return Plan() if text is None else parse_plan(text, path.name, channels, shipped)


def parse_plan(
    text: str, name: str, channels: Mapping[str, bool] | None = None, shipped: Sequence[ShippedRule] = ()
) -> Plan:
    """The plan that a text holds; `name` is what errors call it."""
    tree, plan = _parsed(text, name, Plan, shipped)
    if channels is not None:
        _check_names(plan, name, tree, channels)
    return plan


def read_trial(path: Path) -> TrialFile:
    """The unit tests of rules that a file holds; SettingsError with every mistake at once."""
    text = _text_of(path)
    if text is None:
        raise SettingsError(f"there is no {path}", "See docs/alerts.md for how rules are tested.")
    return _parsed(text, path.name, TrialFile)[1]


def rules_of(plans: Sequence[Plan], shipped: Sequence[ShippedRule]) -> RuleSet:
    """Everything that is watched: the shipped rules as the plans have them, and their own."""
    return RuleSet(
        merged([rule for plan in plans for rule in plan.metric_rules], shipped),
        [goal for plan in plans for goal in plan.objectives],
        [anomaly for plan in plans for anomaly in plan.anomalies],
        shipped,
    )


def tried_rules(
    path: Path, default: Path, zone: ZoneInfo, shipped: Sequence[ShippedRule] = ()
) -> list[tuple[str, list[str]]]:
    """Each test of a file by name, with what was not as expected; SettingsError.

    The rules are those of its `rule_files`, found beside it, or of `default`, with the shipped ones.
    """
    trial = read_trial(path)
    files = [path.parent / name for name in trial.rule_files] or [default]
    rules = rules_of([read_plan(file, shipped=shipped) for file in files], shipped)
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


def _parsed(
    text: str, name: str, model: type[_Model], shipped: Sequence[ShippedRule] = ()
) -> tuple[yaml.Node | None, _Model]:
    try:
        tree = yaml.compose(text, Loader=yaml.SafeLoader)
        given = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise SettingsError(_unreadable(name, error), _HINT) from None
    try:
        return tree, model.model_validate({} if given is None else given, context={"shipped": shipped})
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
    # Because the tag that tells one kind of rule from another is nothing that the file says.
    place: Place = tuple(part for part in detail["loc"] if not _is_tag(part))
    said = str(detail["msg"]).removeprefix("Value error, ")
    if detail["type"] == "extra_forbidden":
        said = f"there is no {place[-1]!r} here{_meant(model, detail['loc'])}"
    path = ".".join(str(part) for part in place) or "the file"
    return f"{name}, line {_line(tree, place)}: {path}: {said}"


def _meant(root: type[BaseModel], place: Place) -> str:
    """The nearest word that is known at a place of the file."""
    models: list[type[BaseModel]] = [root]
    for part in place[:-1]:
        if _is_tag(part):
            models = [model for model in models if f"<{model.__name__}>" == part]
        elif isinstance(part, str):
            models = [inner for model in models for inner in _models_of(model, part)]
    fields = [pair for model in models for pair in model.model_fields.items()]
    known = [word for name, field in fields if not _is_tag(word := field.alias or name)]
    near = get_close_matches(str(place[-1]), known, n=1)
    return f" (did you mean {near[0]}?)" if near else f" (known are {', '.join(known)})" if known else ""


def _models_of(model: type[BaseModel], name: str) -> list[type[BaseModel]]:
    """The models that a field may hold."""
    found = next((f for n, f in model.model_fields.items() if name in (n, f.alias)), None)
    return [] if found is None else list(_models_in(found.annotation))


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from _models_in(part)


def _is_tag(part: object) -> bool:
    return isinstance(part, str) and part.startswith("<")


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
