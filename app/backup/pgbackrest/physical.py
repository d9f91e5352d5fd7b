"""What is particular about a backup that pgBackRest made: copied files, and the log that goes with them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Physical:
    """`prior` is the label it builds upon; `run` the id of the run that made it, empty for others' backups.

    From `wal_start` to `wal_stop` its write-ahead log has to be in the archive. `repository_bytes`: with
    everything that it builds upon.
    """

    type: str
    prior: str
    repo: int
    wal_start: str
    wal_stop: str
    lsn_start: str
    lsn_stop: str
    database_bytes: int
    repository_bytes: int
    has_page_errors: bool = False
    run: str = ""
