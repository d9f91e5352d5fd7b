"""A process that is killed while it folds errors loses none and counts none twice."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from app.logs.error_index import ErrorIndex
from app.testing import wait_until

from .written import Log, line

KILLS = 12
_FOLD = """
import sys
from pathlib import Path
from app.logs.error_index import ErrorIndex
index = ErrorIndex(Path(sys.argv[1]), Path(sys.argv[2]))
print("ready", flush=True)
while True:
    index.fold()
"""


@pytest.mark.kill
def test_a_killed_fold_is_finished_exactly(tmp_path: Path):
    """The place and the counts are one transaction, whatever the instant, and over rotations."""
    log, path = Log(tmp_path / "errors.log"), tmp_path / "error_groups" / "errors.sqlite"
    chance, written = random.Random(), 0
    for _ in range(KILLS):
        words = (sys.executable, "-c", _FOLD, str(log.path), str(path))
        with subprocess.Popen(words, stdout=subprocess.PIPE, cwd=Path(__file__).parents[2]) as process:
            assert process.stdout is not None
            process.stdout.readline()
            for _ in range(chance.randrange(1, 60)):
                log.append(
                    *(line(number, "ERROR", message=f"{chance.choice('abc')}") for number in range(20))
                )
                written += 20
                if chance.random() < 0.1:
                    log.rotate(compress=chance.random() < 0.5)
            process.send_signal(signal.SIGKILL)
    with closing(ErrorIndex(log.path, path)) as index:
        wait_until(lambda: index.fold() == 0, what="the last fold")
        assert sum(group.count for group in index.newest(10, None, None)) == written
