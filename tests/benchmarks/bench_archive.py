"""Whether every flipped bit and every missing byte of a file is found, and what finding it costs.

python -m tests.benchmarks.bench_archive --megabytes 300 --flips 10000

A real dump is packed by each codec. Bits are flipped at random places and the file cut at random
lengths; each time it is read as the watch reads it (SHA-256 of the file) and as `backup verify` does
(decoded, both hashes). A second table gives the share that the decoder alone would have found.
CPU seconds are given as a ratio to those of the dump, client and server together.
"""

from __future__ import annotations

import argparse
import io
import random
import resource
import statistics
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

from app.backup.archive import ArchiveReader, writing
from app.backup.codec import CODECS, Codec
from app.backup.model import Damaged, Fingerprint
from app.backup.verify import compare, verify
from app.backup.watch import Reading
from tests.backup.samples import a_backup

from .bench_backup import Bench, bench

_PIECE_BYTES = 256 << 10
_READ_BYTES = 1 << 20


def damages(content: bytes, flips: int, cuts: int, luck: random.Random) -> Iterator[bytes]:
    """The content with one bit flipped, so many times, and cut off at so many lengths, from 0 to one less."""
    for _ in range(flips):
        changed = bytearray(content)
        changed[luck.randrange(len(content))] ^= 1 << luck.randrange(8)
        yield bytes(changed)
    for length in [0, 1, len(content) - 1, *(luck.randrange(len(content)) for _ in range(cuts))]:
        yield content[:length]


def is_found(content: bytes, told: Fingerprint) -> tuple[bool, bool]:
    """Whether damage is found: by everything that verify() looks at, and by the decoder alone."""
    archive = ArchiveReader(io.BytesIO(content))  # type: ignore[arg-type]
    try:
        for _ in archive.chunks():
            pass
    except Damaged:
        return True, True
    try:
        compare(archive.fingerprint(), told)
    except Damaged:
        return True, False
    return False, False


def packed(raw: bytes, codec: Codec, path: Path) -> Fingerprint:
    """A new file with these raw bytes in it."""
    path.unlink(missing_ok=True)
    with writing(path, codec) as archive:
        for start in range(0, len(raw), _READ_BYTES):
            archive.write(raw[start : start + _READ_BYTES])
        return archive.finish()


def look(raw: bytes, codec: Codec, folder: Path, flips: int, luck: random.Random) -> None:
    """Print how many of the damages to files of some hundred kilobytes are found."""
    found = alone = count = 0
    # Because a file that is small is decoded ten thousand times within minutes, and of a large one all
    # that matters is alike in each of its pieces.
    for start in range(0, max(len(raw) - _PIECE_BYTES, 1), max(len(raw) // 10, 1)):
        path = folder / "piece"
        told = packed(raw[start : start + _PIECE_BYTES], codec, path)
        for content in damages(path.read_bytes(), flips // 10, flips // 20, luck):
            both = is_found(content, told)
            count, found, alone = count + 1, found + both[0], alone + both[1]
    share = f"found {found / count:.4%}, by the decoder alone {alone / count:.2%}"
    print(f"{codec.name:>5}: {count:,} damages, {share}")


def cpu_seconds(work: Callable[[], object]) -> float:
    """What a piece of work of this process takes."""
    before = resource.getrusage(resource.RUSAGE_SELF)
    work()
    after = resource.getrusage(resource.RUSAGE_SELF)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def watch(told: Fingerprint, path: Path) -> None:
    """Read a file as the watch does."""
    with io.FileIO(path) as file:
        reading = Reading(a_backup(fingerprint=told), file)
        while reading.read(_READ_BYTES):
            continue
        reading.compare()


def costs(stand: Bench, raw: bytes, codec: Codec, rounds: int) -> None:
    """Print the CPU of both checks as a ratio to that of a bare pg_dump."""
    path = stand.folder / f"whole{codec.suffix}"
    told = packed(raw, codec, path)
    ratios: dict[str, list[float]] = {"sha256 of the file": [], "decoded and compared": []}
    for _ in range(rounds):
        floor = stand.cost(stand.floor).cpu_seconds
        ratios["sha256 of the file"].append(cpu_seconds(lambda: watch(told, path)) / floor)
        decoded = cpu_seconds(lambda: verify(path, told, lambda _: None))
        ratios["decoded and compared"].append(decoded / floor)
    for name, values in ratios.items():
        print(f"{codec.name:>5}: {name}: {statistics.median(values):.3f} of the dump's CPU")


def main() -> None:
    """Measure and print."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--megabytes", type=int, default=100, help="raw size of the database's dump")
    asked.add_argument("--flips", type=int, default=10_000)
    asked.add_argument("--rounds", type=int, default=5)
    asked.add_argument("--seed", type=int, default=random.randrange(1 << 30))
    arguments = asked.parse_args()
    print(f"seed {arguments.seed}")
    with bench(arguments.megabytes) as stand:
        dump = [stand.pg_dump, "-Fc", "-Z", "none", stand.url]
        raw = subprocess.run(dump, stdout=subprocess.PIPE, check=True).stdout
        for codec in CODECS.values():
            costs(stand, raw, codec, arguments.rounds)
        for codec in CODECS.values():
            look(raw, codec, stand.folder, arguments.flips, random.Random(arguments.seed))


if __name__ == "__main__":
    main()
