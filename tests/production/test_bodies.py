"""A body is read as what it is, not as what it is called."""

from __future__ import annotations

import pytest

from app.core.errors import InputRejected
from app.production.bodies import decoded, form
from tests.production.served import Tower

ALERT = '{"title": "Oven is hot", "severity": "high"}'


@pytest.mark.parametrize(
    "content_type", ["application/json", "application/x-www-form-urlencoded", "text/plain", ""]
)
def test_json_is_read_whatever_it_is_called(tower: Tower, content_type: str) -> None:
    """`curl -d` calls everything a form."""
    answer = tower.ask("POST", "/production/alerts", content=ALERT, headers={"Content-Type": content_type})
    assert (answer.status_code, answer.json()["title"]) == (201, "Oven is hot")


def test_a_form_is_read_too(tower: Tower) -> None:
    """As the dashboard and `curl -d title=...` send it."""
    answer = tower.ask("POST", "/production/alerts", data={"title": "Forno quente é ação", "key": "oven"})
    assert (answer.status_code, answer.json()["title"]) == (201, "Forno quente é ação")


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("{", "not good JSON"),
        ('{"title": "\xff"}'.encode("latin-1"), "not good JSON"),
        ("[" * 50_000, "nested too deeply"),
        ('{"title": 1e999}', "not good JSON"),
        ("[1]", "valid dictionary"),
        ("", "title: Field required"),
        ('{"title": ""}', "title"),
        ('{"title": 7}', "title: Input should be a valid string"),
        ('{"title": "x", "sevrity": "LOW"}', "sevrity: Extra inputs are not permitted"),
        (
            '{"title": "x", "severity": "BAD"}',
            "severity: Input should be 'LOW', 'MEDIUM', 'HIGH' or 'CRITICAL'",
        ),
        ('{"title": "x", "labels": {"a": 1}}', "labels.a"),
        ("title=" + "&x=1" * 60, "too many fields"),
    ],
)
def test_a_bad_body_is_refused_with_what_is_wrong(tower: Tower, body: str | bytes, reason: str) -> None:
    """And nothing of it is kept."""
    content_type = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = tower.ask("POST", "/production/alerts", content=body, headers=content_type)
    assert answer.status_code == 400
    assert reason in answer.json()["detail"]
    assert tower.alerts.active()["total"] == 0


def test_a_refusal_does_not_repeat_what_was_sent(tower: Tower) -> None:
    """It might be a secret in the wrong field."""
    answer = tower.ask("POST", "/production/alerts", json={"title": "x", "severity": "hunter2"})
    assert "hunter2" not in answer.text


@pytest.mark.parametrize(
    ("path", "size", "status"),
    [
        ("/alerts", 64 * 1024 + 1, 413),
        ("/alerts/x/resolve", 64 * 1024 + 1, 413),
        ("/login", 64 * 1024 + 1, 413),
        ("/metrics/events", 64 * 1024 + 1, 400),
        ("/metrics/events", 16 * 1024 * 1024 + 1, 413),
    ],
)
def test_a_body_that_is_too_large_is_not_read(tower: Tower, path: str, size: int, status: int) -> None:
    """16 MB of events, and 64 kB of anything else."""
    answer = tower.ask("POST", f"/production{path}", content=b" " * (size - 1) + b"x")
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_body_without_a_length_is_cut_off_too(tower: Tower) -> None:
    """Chunked, as nobody knows its size before."""

    async def endless():
        while True:
            yield b"x" * 65_536

    assert tower.ask("POST", "/production/alerts", content=endless()).status_code == 413


def test_of_a_field_sent_twice_the_last_counts() -> None:
    """And one without a value is empty."""
    assert form(b"a=1&a=2&b=") == {"a": "2", "b": ""}


def test_an_empty_text_is_no_json() -> None:
    """Where a body is needed."""
    with pytest.raises(InputRejected):
        decoded(b"")
