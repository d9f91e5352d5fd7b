"""A backup is read again, and what has become of it is put down in its manifest."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

from ..core.errors import AtalaiaError, Conflict, NotFound
from ..core.guard import guard
from .catalog import Catalog
from .model import Damaged, OnShare, State, Verdict
from .verify import verify


def recheck(catalog: Catalog, backup_id: str, on_share: OnShare) -> Verdict:
    """Read one backup to the last bit; NotFound when there is none of that id."""
    try:
        backup = catalog.backup(backup_id)
        verify(catalog.path(backup_id), backup.fingerprint, on_share)
    except NotFound:
        raise
    except Damaged as error:
        _put_down(catalog, backup_id, State.DAMAGED, error.fact)
        return Verdict(backup_id, ok=False, fact=error.fact, hint=error.hint, damaged=True)
    except AtalaiaError as error:
        return Verdict(backup_id, ok=False, fact=error.fact, hint=error.hint)
    if backup.state is State.DAMAGED:
        _put_down(catalog, backup_id, State.CHECKED, "")
    return Verdict(backup_id, ok=True)


def _put_down(catalog: Catalog, backup_id: str, state: State, damage: str) -> None:
    # Because a run holds the turn for long, and retention may delete this very backup at its end,
    # the state is left as it is then: the next check finds the same.
    with guard("backup.recheck"), suppress(Conflict, NotFound, Damaged):
        turn = catalog.turn()
        try:
            backup = catalog.backup(backup_id)
            catalog.rewrite(replace(backup, state=state, damage=damage))
        finally:
            turn.release()
