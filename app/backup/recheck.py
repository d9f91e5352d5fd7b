"""A backup is read again, and what has become of it is put down in its manifest."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime

from ..core.errors import AtalaiaError, Conflict, NotFound
from ..core.guard import guard
from .catalog import ROLES, Catalog
from .model import Backup, Damaged, OnShare, State, Verdict, drilled
from .roles import saved_roles
from .verify import verify


def recheck(catalog: Catalog, backup_id: str, now: datetime, on_share: OnShare) -> Verdict:
    """Read one backup to the last bit; NotFound when there is none of that id."""
    try:
        backup = catalog.backup(backup_id)
        verify(catalog.path(backup_id), backup.fingerprint, on_share)
        if backup.roles_file.file:
            saved_roles(backup, catalog.path(backup_id, ROLES))
    except NotFound:
        raise
    except Damaged as error:
        put_down_damage(catalog, backup_id, error.fact, now)
        return Verdict(backup_id, ok=False, fact=error.fact, hint=error.hint, damaged=True)
    except AtalaiaError as error:
        return Verdict(backup_id, ok=False, fact=error.fact, hint=error.hint)
    put_down_sound(catalog, backup_id, now)
    return Verdict(backup_id, ok=True)


def put_down_damage(catalog: Catalog, backup_id: str, damage: str, now: datetime) -> None:
    """The file is not what was written: its backup no longer counts."""
    _put_down(
        catalog,
        backup_id,
        lambda backup: replace(backup, state=State.DAMAGED, damage=damage, rechecked_at=now),
    )


def put_down_sound(catalog: Catalog, backup_id: str, now: datetime) -> None:
    """The file is what was written; one that was damaged counts again, for as much as before."""
    _put_down(catalog, backup_id, lambda backup: replace(_mended(backup), rechecked_at=now))


def _mended(backup: Backup) -> Backup:
    if backup.state is not State.DAMAGED:
        return backup
    checked = replace(backup, state=State.CHECKED, damage="")
    return drilled(checked, checked.drill) if checked.drill else checked


def _put_down(catalog: Catalog, backup_id: str, change: Callable[[Backup], Backup]) -> None:
    # Because a run holds the turn for long, and retention may delete this very backup at its end,
    # the state is left as it is then: the next check finds the same.
    with guard("backup.recheck"), suppress(Conflict, NotFound, Damaged):
        turn = catalog.turn()
        try:
            catalog.rewrite(change(catalog.backup(backup_id)))
        finally:
            turn.release()
