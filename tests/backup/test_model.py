"""Ids and states of backups."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.backup.model import State, backup_id, drilled, is_backup_id, major
from app.backup.outcome import Drill, Outcome

from .samples import NOON, a_backup


def test_id_tells_database_and_time():
    """An id is the database, the time in UTC, and four digits."""
    assert backup_id("shop", NOON, "0a1b") == "shop-20261123T120000Z-0a1b"


@given(st.text())
def test_id_is_safe_whatever_the_database_is_called(name: str):
    """No name of a database gives a path, a hidden file or an option; ids are always known as ids."""
    made = backup_id(name, NOON, "0a1b")
    assert is_backup_id(made)
    assert made[0] not in "-."
    assert "/" not in made


@pytest.mark.parametrize(
    "text", ["", "..", "../x", "shop", "a/b-20261123T120000Z-0a1b", ".a-20261123T120000Z-0a1b"]
)
def test_other_texts_are_no_ids(text: str):
    """A text that could lead out of the folder is no id."""
    assert not is_backup_id(text)


def test_only_verified_states_are_good():
    """A backup counts from CHECKED on."""
    assert [state.value for state in State if state.is_good] == ["checked", "restored", "proven"]


@pytest.mark.parametrize(("version", "number"), [("18.4", 18), ("9.6.1", 9), ("19beta1", 19), ("", 0)])
def test_major_version(version: str, number: int):
    """The major version is the number before the first dot or word."""
    assert major(version) == number


@pytest.mark.parametrize(
    ("before", "outcome", "after"),
    [
        (State.CHECKED, Outcome.PROVEN, State.PROVEN),
        (State.CHECKED, Outcome.RESTORED, State.RESTORED),
        (State.CHECKED, Outcome.FAILED, State.CHECKED),
        (State.CHECKED, Outcome.NOT_DRILLABLE, State.CHECKED),
        (State.PROVEN, Outcome.NOT_DRILLABLE, State.PROVEN),
        (State.PROVEN, Outcome.FAILED, State.CHECKED),
    ],
)
def test_drill_changes_the_state(before: State, outcome: Outcome, after: State):
    """The state is what the last drill that could be tried has shown."""
    drill = Drill(outcome, NOON, 1.0)
    found = drilled(a_backup(state=before), drill)
    assert (found.state, found.drill) == (after, drill)
