"""A process that folds until it is killed: `python -m tests.metrics.folder FOLDER`."""

from __future__ import annotations

import sys
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

from app.metrics.store import Store


def main(folder: Path) -> None:
    store = Store(folder)
    while True:
        if store.fold(datetime.now(UTC), Counter()):
            sys.stdout.write("folded\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
