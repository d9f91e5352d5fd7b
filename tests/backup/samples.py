"""Backups, runs and failures of a database `shop`, as tests want them."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from app.backup.archive import writing
from app.backup.catalog import PART, Catalog
from app.backup.model import Backup, Failure, Fingerprint, Running, Source, State
from app.core.clock import parse_rfc3339

NOON = parse_rfc3339("2026-11-23T12:00:00Z")
SOURCE = Source("shop", "18.4", "UTF8", "C", "C", 8_000_000, ("owner",))

PRINT = Fingerprint(10, "ab", 100, "cd")


def an_id(sequence: int) -> str:
    """The id that these samples give the run of that sequence."""
    return f"shop-20261123T120000Z-{sequence:04x}"


def a_backup(
    sequence: int = 1,
    *,
    days_old: float = 0,
    state: State = State.CHECKED,
    fingerprint: Fingerprint = PRINT,
) -> Backup:
    """A backup as its manifest has it."""
    began = NOON - timedelta(days=days_old)
    return Backup(
        id=an_id(sequence),
        sequence=sequence,
        state=state,
        reason="scheduled",
        started_at=began,
        finished_at=began + timedelta(seconds=2),
        duration_seconds=2.0,
        file=f"{an_id(sequence)}.dump.gz",
        size_bytes=fingerprint.size_bytes,
        sha256=fingerprint.sha256,
        raw_bytes=fingerprint.raw_bytes,
        raw_xxh3_128=fingerprint.raw_xxh3_128,
        tables=3,
        client_version="18.4",
        source=SOURCE,
    )


def a_run(sequence: int = 1, *, pid: int = 1) -> Running:
    """A run under way."""
    return Running(an_id(sequence), sequence, "scheduled", NOON, pid)


def a_failure(sequence: int = 1, *, minutes_old: float = 0, stopped: bool = False) -> Failure:
    """The record of a run that failed."""
    at = NOON - timedelta(minutes=minutes_old)
    return Failure(
        an_id(sequence), sequence, "scheduled", NOON, at, "dumping", "it broke", "Mend it.", sequence, stopped
    )


def write_archive(path: Path, raw: bytes = b"chats and bookings " * 500) -> Fingerprint:
    """A backup's file with those raw bytes in it."""
    with writing(path) as archive:
        archive.write(raw)
        return archive.finish()


def publish(catalog: Catalog, sequence: int = 1, *, days_old: float = 0) -> Backup:
    """A good backup in the catalogue, with a file that is what its manifest says."""
    turn = catalog.turn()
    fingerprint = write_archive(catalog.path(an_id(sequence), PART))
    backup = a_backup(sequence, days_old=days_old, fingerprint=fingerprint)
    catalog.publish(backup)
    turn.release()
    return backup


def flip_a_bit(path: Path, *, byte: int = -20) -> None:
    """Change one bit of a file in place."""
    content = bytearray(path.read_bytes())
    content[byte] ^= 1
    path.write_bytes(content)
