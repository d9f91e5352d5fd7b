from __future__ import annotations

import json
import secrets
import subprocess
import sys
from pathlib import Path

import pytest

from app.logs.archives import archives

from .test_rotation import everything

WRITERS = 3
KILLS = 60
MAX_BYTES = 100_000


def acknowledged_by_killed_writers(folder: Path, seed: int) -> dict[str, int]:
    """Let real processes write and be killed; what each had acknowledged when it died."""
    numbers = map(str, (seed, WRITERS, KILLS, MAX_BYTES, 10_000, 10_000_000))
    command = [sys.executable, "-m", "tests.logs.writers", str(folder), *numbers]
    run = subprocess.run(command, check=True, stdout=subprocess.PIPE)
    return json.loads(run.stdout)  # type: ignore[no-any-return]


@pytest.mark.kill
@pytest.mark.timeout(600)
def test_every_acknowledged_line_is_there_once_after_kills(tmp_path: Path):
    """Over many kills and rotations no line whose call had returned is lost, torn or there twice."""
    seed = secrets.randbelow(1 << 32)
    print(f"seed {seed}")  # noqa: T201 because a failure is to be repeated
    acknowledged = acknowledged_by_killed_writers(tmp_path, seed)
    live = tmp_path / "app.log"
    found: dict[str, list[int]] = {writer: [] for writer in acknowledged}
    for record in everything(live):
        found[record["writer"]].append(record["n"])
    assert sum(acknowledged.values()) > 1_000
    assert len(archives(live)) > 5
    for writer, last in acknowledged.items():
        assert found[writer] == list(range(1, len(found[writer]) + 1)), f"{writer} of seed {seed}"
        assert last <= len(found[writer]) <= last + 1, f"{writer} of seed {seed}"
