"""An alerts file of an earlier version goes on as one of this."""

from __future__ import annotations

from pathlib import Path

from app.alerts.schema import MIGRATIONS
from app.core.database import Database
from app.testing import FrozenClock

from .examples import Room


def test_file_of_the_first_version_is_kept(tmp_path: Path, clock: FrozenClock) -> None:
    """What waited in it is sent, and what was silenced is silent."""
    folder = tmp_path / "alerts"
    old = Database(folder / "alerts.sqlite", MIGRATIONS[:1], durable=True)
    now = "2026-11-23T11:59:00.000000Z"
    with old.write() as connection:
        connection.execute(
            "insert into alert values ('a1', 'f1', 'app', 'k', 'Oven is hot', 'HIGH', 'SYSTEM', 'firing',"
            " :now, :now, 'HIGH', '', '{}', '', null, null, 0, null, null, '', null, '', '', 0)",
            {"now": now},
        )
        connection.execute(
            "insert into outbox"
            " (key, alert_id, channel, kind, rank, state, created_at, touched_at, not_before) values"
            " ('a1.fired.recording', 'a1', 'recording', 'fired', 2, 'pending', :now, :now, :now)",
            {"now": now},
        )
        connection.execute(
            "insert into silence values ('s1', :matchers, :now, :end, 'ana', '', '')",
            {"matchers": '{"key": "x"}', "now": now, "end": "2027-01-01T00:00:00.000000Z"},
        )
    old.close()
    room = Room(folder, clock)
    room.deliver()
    assert room.channels[0].said() == [("fired", "Oven is hot")]
    room.observe("quiet", key="x")
    room.deliver()
    assert room.reasons() == ["silence s1 of ana"]
    room.close()
