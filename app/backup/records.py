"""What is put down of runs and of backups, and told of them, as JSON has it."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Any

from ..core.clock import rfc3339
from ..core.errors import AtalaiaError
from .model import Backup, CalledOff, Failure, Running, Stopped, Unreadable


def failed(running: Running, why: AtalaiaError, now: datetime, *, total: int) -> Failure:
    """The record of a run that ended because of `why`; `total` as in Failure."""
    return Failure(
        id=running.id,
        sequence=running.sequence,
        reason=running.reason,
        started_at=running.started_at,
        failed_at=now,
        phase=running.phase,
        fact=why.fact,
        hint=why.hint,
        total=total,
        stopped=isinstance(why, Stopped),
        database=running.database,
        called_off=isinstance(why, CalledOff),
    )


def document(record: Backup | Unreadable | Failure | Running) -> dict[str, Any]:
    """A record as JSON has it, times as RFC 3339; of a truth, which may be long, the sums."""
    told = whole_document(record)
    if isinstance(record, Backup) and record.truth:
        told["truth"] = record.truth.summary
    return told


def whole_document(record: Backup | Unreadable | Failure | Running) -> dict[str, Any]:
    """As document(), with nothing left out."""
    return {name: _plain(value) for name, value in asdict(record).items()}


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items()}
    return rfc3339(value) if isinstance(value, datetime) else value
