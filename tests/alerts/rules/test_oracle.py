import random
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
import yaml

from app.alerts.rules.durations import words_of
from app.alerts.rules.model import Rule
from app.alerts.rules.phases import Instance, Phase, step

PROMTOOL = shutil.which("promtool")
MINUTES, RULES, SERIES_A_RULE = 40, 25, 40

Values = Sequence[float | None]


def some_rule(number: int, chance: random.Random) -> Rule:
    return Rule.model_validate(
        {
            "name": f"r{number}",
            "operator": chance.choice([">", ">=", "<", "<=", "==", "!="]),
            "value": chance.randint(2, 7),
            "for": 60 * chance.choice([0, 0, 1, 2, 3, 5]),
            "keep_firing_for": 60 * chance.choice([0, 0, 1, 2, 4]),
        }
    )


def some_values(chance: random.Random) -> list[float | None]:
    """A walk that stays a while, jumps, and is sometimes not there."""
    value, found = chance.randint(0, 9), []
    for _ in range(MINUTES):
        if chance.random() < 0.35:
            value = chance.randint(0, 9)
        found.append(None if chance.random() < 0.08 else value)
    return found


def lived(rule: Rule, values: Values) -> Iterator[Instance | None]:
    """The condition after each minute."""
    instance = None
    for minute, value in enumerate(values):
        instance = step(instance, [] if value is None else [value], minute * 60.0, rule)
        yield instance


def prometheus_rule(rule: Rule) -> dict[str, object]:
    return {
        "alert": rule.name,
        "expr": f"m_{rule.name} {rule.operator} {rule.value:g}",
        "for": words_of(rule.hold_seconds),
        "keep_firing_for": words_of(rule.keep_firing_seconds),
    }


def expectations(rule: Rule, all_values: Sequence[Values]) -> Iterator[dict[str, object]]:
    """What Prometheus' own ALERTS series should hold after each minute."""
    lives = [list(lived(rule, values)) for values in all_values]
    for minute in range(MINUTES):
        active = [(number, life[minute]) for number, life in enumerate(lives) if life[minute]]
        yield {
            "expr": f'ALERTS{{alertname="{rule.name}"}}',
            "eval_time": f"{minute}m",
            "exp_samples": [
                {"labels": alerts_series(rule, number, one), "value": 1}
                for number, one in active
                if one is not None
            ],
        }


def alerts_series(rule: Rule, number: int, instance: Instance) -> str:
    state = "pending" if instance.phase is Phase.PENDING else "firing"
    return f'ALERTS{{alertname="{rule.name}",alertstate="{state}",n="{number}"}}'


def written(values: Values) -> str:
    return " ".join("stale" if value is None else f"{value:g}" for value in values)


@pytest.mark.skipif(PROMTOOL is None, reason="promtool (Debian's prometheus) is not installed")
def test_pending_firing_and_resolved_are_where_promtool_has_them(tmp_path: Path) -> None:
    """On 1,000 random series `for` and `keep_firing_for` mean to us what they mean to Prometheus."""
    seed = random.randrange(2**32)
    chance = random.Random(seed)
    lived_through = [
        (some_rule(number, chance), [some_values(chance) for _ in range(SERIES_A_RULE)])
        for number in range(RULES)
    ]
    (tmp_path / "rules.yml").write_text(
        yaml.safe_dump(
            {"groups": [{"name": "all", "rules": [prometheus_rule(rule) for rule, _ in lived_through]}]}
        )
    )
    case = {
        "interval": "1m",
        "input_series": [
            {"series": f'm_{rule.name}{{n="{number}"}}', "values": written(values)}
            for rule, all_values in lived_through
            for number, values in enumerate(all_values)
        ],
        "promql_expr_test": [
            one for rule, all_values in lived_through for one in expectations(rule, all_values)
        ],
    }
    trial = {"rule_files": ["rules.yml"], "evaluation_interval": "1m", "tests": [case]}
    (tmp_path / "tests.yml").write_text(yaml.safe_dump(trial))
    ran = subprocess.run(
        [str(PROMTOOL), "test", "rules", str(tmp_path / "tests.yml")],
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert ran.returncode == 0, f"seed {seed}\n" + ran.stdout[-3000:] + ran.stderr[-1000:]
    assert any(
        one is not None and one.phase is Phase.RECOVERING
        for rule, all_values in lived_through
        for values in all_values
        for one in lived(rule, values)
    )
