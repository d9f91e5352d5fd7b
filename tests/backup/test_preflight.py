"""What is said of what was found before a backup."""

from __future__ import annotations

from dataclasses import replace

import pytest
from msgspec import structs

from app.backup.model import Concern
from app.backup.preflight import Finding, Ground, Level, Means, concerns, findings, refuse, told
from app.core.errors import Unavailable

from .samples import a_backup

GROUND = Ground("18.4", "shop", 8_000_000, "clerk", 5, (), (), 0, (), (), {}, False, 30_000, False)
MEANS = Means("18.4", None, "", 10**12, 10**12)


def found(level: Level, means: Means = MEANS, **ground: object) -> list[Finding]:
    """The findings of that level."""
    last = a_backup()
    return [one for one in findings(structs.replace(GROUND, **ground), means, last) if one.level is level]


def test_good_ground_is_ok():
    """Where nothing is wrong every finding says so, and none is in the way."""
    everything = findings(GROUND, MEANS, None)
    assert {one.level for one in everything} == {Level.OK}
    refuse(everything)
    assert concerns(everything) == ()
    assert told(everything)["ok"]


@pytest.mark.parametrize(
    ("ground", "fact"),
    [
        ({"hidden_by_row_security": ("public.leads",)}, "row security hides rows of public.leads"),
        ({"unreadable": ("public.a", "public.b")}, "may not read public.a, public.b"),
        ({"unreadable_large_objects": 3}, "may not read 3 large objects"),
        ({"unreadable_large_objects": 1000}, "may not read 1,000 or more large objects"),
    ],
)
def test_what_would_leave_something_out_is_an_error(ground: dict[str, object], fact: str):
    """What the role cannot see would be missing: the backup is refused with a hint."""
    (finding,) = found(Level.ERROR, **ground)
    assert fact in finding.fact
    assert finding.hint
    with pytest.raises(Unavailable, match=r"may not read|row security"):
        refuse([finding])


def test_missing_client_is_an_error():
    """Without a pg_dump for the server nothing can be made."""
    means = replace(
        MEANS, no_client=Unavailable("there is no pg_dump of PostgreSQL 19 or newer", "Install it.")
    )
    assert found(Level.ERROR, means) == [
        (Level.ERROR, "there is no pg_dump of PostgreSQL 19 or newer", "Install it.")
    ]


def test_no_room_for_the_file_is_an_error():
    """The last backup's size has to fit once more."""
    assert found(Level.ERROR, replace(MEANS, free_bytes=10))[0].fact == (
        "the disk has 10 bytes left, the last backup took 10"
    )


@pytest.mark.parametrize(
    ("ground", "fact"),
    [
        ({"tables": 0}, "there is no table in 'shop'"),
        ({"too_large": ("public.media",)}, "public.media has a value beyond 500 MB"),
        ({"has_pooler": True}, "a pool of connections answers"),
        ({"is_standby": True}, "a standby that cancels long reads after 30 s"),
        ({"server_version": "16.2"}, "no server older than 17 takes a dump"),
    ],
)
def test_what_may_go_wrong_is_a_warning(ground: dict[str, object], fact: str):
    """It is told and kept with the backup, which is made all the same."""
    warnings = found(Level.WARNING, **ground)
    assert [fact in one.fact for one in warnings] == [True]
    assert concerns(warnings) == (Concern(warnings[0].fact, warnings[0].hint),)
    refuse(warnings)


@pytest.mark.parametrize("kind", [{"standby_delay_ms": -1}, {"standby_feedback": True}])
def test_patient_standby_is_ok(kind: dict[str, object]):
    """A standby that waits for readers, or whose primary does, is backed up without a word."""
    assert found(Level.WARNING, is_standby=True, **kind) == []


def test_drill_that_is_not_possible_is_a_warning():
    """What would keep the drill from being made is known before."""
    (missing,) = found(Level.WARNING, replace(MEANS, no_drill="no PostgreSQL here has postgis"))
    assert missing.fact == "it cannot be drilled here: no PostgreSQL here has postgis"
    (room,) = found(Level.WARNING, replace(MEANS, drill_free_bytes=5))
    assert room.fact.startswith("no room for a drill: 5 bytes are free")


def test_time_outs_of_the_role_are_told():
    """They are switched off for the backup, so that they are no trouble."""
    facts = [one.fact for one in found(Level.OK, timeouts={"statement_timeout": "5000"})]
    assert "statement_timeout = 5000 ms of the role is switched off for the backup's own sessions" in facts
