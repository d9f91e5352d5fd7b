"""A process that records until it is killed: `python -m tests.metrics.recorder FOLDER NAME`.

Each event that was recorded is acknowledged by a line on standard output, after the call returned.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from app.core.journal import Journal
from app.metrics.events import BusinessEvents

# Because one that starts late must not let the others fill the disk.
_MOST_EVENTS = 5_000


def main(folder: Path, name: str) -> None:
    events = BusinessEvents(Journal("metrics"))
    events.journal.open(folder)
    for number in range(_MOST_EVENTS):
        key = f"{name}-{number}" if number % 2 else None
        if events.record(name, amount="0.01", currency="BRL", key=key):
            os.write(1, b"%d\n" % number)
    signal.pause()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
