"""What is kept, shown and done."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.backup.catalog import Catalog
from app.backup.rotation import Rotation
from app.backup.settings import BackupSettings
from app.core.errors import Conflict
from app.testing import FrozenClock

from .samples import a_failure, a_run, an_id, publish


@pytest.fixture
def catalog(tmp_path: Path) -> Catalog:
    """Four backups of which two are older than a month."""
    catalog = Catalog(tmp_path)
    for sequence, days_old in ((1, 36), (2, 35), (3, 2), (4, 1)):
        publish(catalog, sequence, days_old=days_old)
    return catalog


def rotation(catalog: Catalog) -> Rotation:
    """With two good ones that always stay."""
    return Rotation(catalog, BackupSettings(keep_at_least=2), FrozenClock())


def left(catalog: Catalog) -> list[str]:
    """The ids of what is there."""
    return [backup.id for backup in catalog.read().backups]


def test_plan_changes_nothing(catalog: Catalog):
    """Asked what would go, it tells each with its reason, and everything stays."""
    plan = rotation(catalog).plan()
    assert [(one["id"], one["goes"]) for one in plan["backups"]] == [
        (an_id(4), False),
        (an_id(3), False),
        (an_id(2), True),
        (an_id(1), True),
    ]
    assert (plan["going"], plan["backups"][2]["why"]) == (2, "older than 30 days")
    assert len(left(catalog)) == 4


def test_what_was_told_is_done(catalog: Catalog):
    """Applied, what would go is gone, with all its files."""
    assert rotation(catalog).apply()["going"] == 2
    assert left(catalog) == [an_id(4), an_id(3)]
    assert not list(catalog.folder.glob(f"{an_id(1)}*"))


def test_nothing_is_deleted_after_a_failure(catalog: Catalog):
    """While the last run is a failure, old ones may be needed."""
    catalog.record(a_failure(5))
    with pytest.raises(Conflict, match="after a run that failed"):
        rotation(catalog).apply()
    assert len(left(catalog)) == 4


def test_nothing_is_deleted_during_a_run(catalog: Catalog):
    """A run deletes at its own end."""
    turn = catalog.turn()
    catalog.tell(a_run(5))
    with pytest.raises(Conflict, match="already running"):
        rotation(catalog).apply()
    turn.release()


def test_deleted_manifest_and_foreign_files_are_left_alone(catalog: Catalog):
    """Data without a manifest are no backup and are told; what others put there is not even looked at."""
    catalog.path(an_id(1), ".json").unlink()
    foreign = catalog.folder / "shop-before-the-migration.dump.gz"
    foreign.write_bytes(b"mine")
    plan = rotation(catalog).apply()
    assert plan["without_manifest"] == [f"{an_id(1)}.dump.gz"]
    assert catalog.path(an_id(1)).exists()
    assert foreign.read_bytes() == b"mine"
