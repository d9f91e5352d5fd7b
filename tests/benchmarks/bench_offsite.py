"""What a second copy costs, against the tools one would use instead; and what memory it takes.

python -m tests.benchmarks.bench_offsite --megabytes 500 --rounds 3

CPU seconds in interleaved rounds, as the median of the ratios within a round. The file cannot be compressed,
as a backup cannot. Servers run in processes of their own and are not counted.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pyrage

from app.backup.archive import writing
from app.backup.catalog import PART, Catalog
from app.backup.model import Backup
from app.backup.offsite.settings import OffsiteSettings
from tests.backup.offsite.servers import s3_server
from tests.backup.samples import a_backup, an_id

COPY = """
import re, resource, sys
from pathlib import Path
from app.backup.catalog import Catalog
from app.backup.offsite.copying import Copier
from app.backup.offsite.place import open_place
from app.backup.offsite.settings import OffsiteSettings
from app.core.clock import SystemClock
settings = OffsiteSettings.model_validate_json(sys.stdin.read())
catalog = Catalog(Path(sys.argv[1]))
(backup,) = catalog.read().backups
def memory(what):
    return int(re.search(rf"{what}:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1]) * 1024
with open_place(settings) as place:
    list(place.names())
    Path("/proc/self/clear_refs").write_text("5")
    resident = memory("VmRSS")
    before = resource.getrusage(resource.RUSAGE_SELF)
    place.delete(backup.id + ".json")
    Copier(catalog, place, "bench", settings.recipients).copy(backup, SystemClock().now(), lambda _: None)
    after = resource.getrusage(resource.RUSAGE_SELF)
print(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, memory("VmHWM") - resident)
"""
SCRIPT = "cp {source} {target} && sync {target} && sha256sum {source} {target} > /dev/null"
AGE = "age -r {key} -o {target}.age {source} && sync {target}.age && sha256sum {target}.age > /dev/null"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--megabytes", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="bench-offsite-"))
    try:
        with s3_server() as server:
            measure(folder, asked.megabytes, asked.rounds, server.settings("bench"))
    finally:
        shutil.rmtree(folder)


def measure(folder: Path, megabytes: int, rounds: int, s3: OffsiteSettings) -> None:
    """Interleave our ways with those of a script."""
    backup = publish(Catalog(folder / "backups"), megabytes)
    source, target = folder / "backups" / backup.file, folder / "by script"
    (folder / "disk").mkdir()
    disk = OffsiteSettings(url=f"file://{folder}/disk")
    key = str(pyrage.x25519.Identity.generate().to_public())
    secret = disk.model_copy(update={"recipients": (key,)})
    ways: dict[str, Callable[[], tuple[float, int]]] = {
        "cp, sync, sha256sum of both": lambda: by_script(SCRIPT, source, target, key),
        "folder": lambda: by_us(folder, disk),
        "S3": lambda: by_us(folder, s3),
        "folder, encrypted": lambda: by_us(folder, secret),
    }
    if shutil.which("age"):
        ways["age, sync, sha256sum"] = lambda: by_script(AGE, source, target, key)
    found = [{name: way() for name, way in ways.items()} for _ in range(rounds)]
    for name in ways:
        ratio = statistics.median(one[name][0] / one["cp, sync, sha256sum of both"][0] for one in found)
        memory = max(one[name][1] for one in found) / 1e6
        seconds = statistics.median(one[name][0] for one in found)
        print(f"{name:<30} CPU {seconds:6.2f} s = {ratio:5.2f} x   memory + {memory:5.1f} MB")


def publish(catalog: Catalog, megabytes: int) -> Backup:
    """A backup of so many megabytes of noise."""
    turn = catalog.turn()
    with writing(catalog.path(an_id(1), PART)) as archive:
        for _ in range(megabytes):
            archive.write(os.urandom(1_000_000))
        backup = a_backup(1, fingerprint=archive.finish())
    catalog.publish(backup)
    turn.release()
    return backup


def by_us(folder: Path, settings: OffsiteSettings) -> tuple[float, int]:
    """CPU seconds and growth of memory of one copy, in a process of its own."""
    dumped = settings.model_dump(mode="json") | {
        name: getattr(settings, name).get_secret_value() for name in ("access_key_id", "secret_access_key")
    }
    given = json.dumps(dumped).encode()
    command = [sys.executable, "-c", COPY, folder / "backups"]
    told = subprocess.run(command, input=given, stdout=subprocess.PIPE, check=True).stdout.split()
    return float(told[0]), int(told[1])


def by_script(script: str, source: Path, target: Path, key: str) -> tuple[float, int]:
    """CPU seconds of a shell script."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = script.format(source=source, target=f"'{target}'", key=key)
    subprocess.run(["bash", "-ec", command], check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, 0


if __name__ == "__main__":
    main()
