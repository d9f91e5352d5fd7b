"""What is asked of the alerts file costs what it is about, and not what has become of everything since."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from app.alerts import store
from app.testing import FrozenClock

from .examples import Room

OLD_STEPS = """
insert into event (alert_id, at, what, channel, why, who, last_at)
with recursive number(n) as (select 1 union all select n + 1 from number where n < 20000)
select 'over' || (n / 10), '2026', 'withheld', 'recording', 'cooldown', '', '2026' from number
"""


def thousands_of_steps(connection: sqlite3.Connection) -> int:
    """How often SQLite's machine does a thousand steps to find the newest decisions."""
    ticks = []
    connection.set_progress_handler(lambda: ticks.append(1), 1_000)
    store.decisions(connection)
    connection.set_progress_handler(None, 0)
    return len(ticks)


def test_decisions_on_what_fires_are_found_without_reading_the_history(
    tmp_path: Path, clock: FrozenClock
) -> None:
    """However long that has become."""
    room = Room(tmp_path / "alerts", clock)
    room.observe()
    with room.database.write() as connection:
        before = thousands_of_steps(connection)
        connection.execute(OLD_STEPS)
        assert thousands_of_steps(connection) <= before + 1
    room.close()
