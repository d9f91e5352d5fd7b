"""A drill of an SQLite file's backup: unpacked, examined, compared with what was copied."""

from __future__ import annotations

import shutil
import time
from datetime import datetime
from pathlib import Path

from ..core.database_copy import VERSION, examine, things
from ..core.errors import Unavailable
from .model import Backup, Damaged, NotDrillable, OnShare
from .outcome import Drill, Outcome
from .sqlite import truth_of, unpack, workshop
from .truth import differences, shortened
from .verify import compare

_SPARE_BYTES = 16 << 20
_UNPACKED_SHARE = 0.7


def drill_sqlite(backup: Backup, path: Path, folder: Path, now: datetime, on_share: OnShare) -> Drill:
    """Unpack the file at `path` in `folder`, and tell what came of it; raises what `on_share` raises.

    1. To the last bit it must be the copy that was made: its hash stands for every value in it.
    2. SQLite examines every page and index, and looks for foreign keys that lead nowhere.
    3. The rows of each table and the numbers of other things must be those of the manifest.
    """
    began = time.monotonic()
    told: tuple[str, ...] = ()
    outcome, reason = Outcome.PROVEN, ""
    try:
        _see_room(backup, folder)
        told = shortened(_restored(backup, path, folder, on_share))
        if told:
            outcome, reason = Outcome.FAILED, f"it is not what its source was: {told[0]}"
    except NotDrillable as error:
        outcome, reason = Outcome.NOT_DRILLABLE, error.fact
    except (Damaged, Unavailable) as error:
        outcome, reason = Outcome.FAILED, error.fact
    except OSError as error:
        outcome, reason = (
            Outcome.NOT_DRILLABLE,
            f"{error.filename or folder} cannot be used: {error.strerror}",
        )
    seconds = round(time.monotonic() - began, 3)
    return Drill(
        outcome=outcome,
        at=now,
        seconds=seconds,
        reason=reason,
        restore_seconds=seconds,
        server_version=VERSION,
        differences=told,
        compared="copy",
    )


def _restored(backup: Backup, path: Path, folder: Path, on_share: OnShare) -> list[str]:
    with workshop(folder) as file:
        found = unpack(path, file, backup.raw_bytes, lambda share: on_share(share * _UNPACKED_SHARE))
        compare(found, backup.fingerprint)
        now = truth_of(examine(file), things(file))
        on_share(1.0)
        # Because an older release wrote down no truth; the hash has told the content.
        return differences(backup.truth or now, now)


def _see_room(backup: Backup, folder: Path) -> None:
    needed, free = backup.raw_bytes + _SPARE_BYTES, shutil.disk_usage(folder).free
    if free < needed:
        raise NotDrillable(
            f"there is no room for it: {folder} has {free} bytes left, and it needs about {needed}",
            "Make room.",
        )
