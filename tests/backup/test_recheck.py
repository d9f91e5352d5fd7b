"""Backups that are read again."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest

from app.backup.catalog import ROLES, Catalog
from app.backup.companions import RolesFile
from app.backup.model import State, Verdict
from app.backup.recheck import recheck
from app.core.errors import NotFound

from .samples import NOON, a_run, an_id, flip_a_bit, publish


@pytest.fixture
def catalog(tmp_path: Path) -> Catalog:
    """A catalogue with one good backup."""
    catalog = Catalog(tmp_path)
    publish(catalog)
    return catalog


def check(catalog: Catalog) -> Verdict:
    """Read the one backup again."""
    return recheck(catalog, an_id(1), NOON, lambda _: None)


def test_sound_backup_is_ok(catalog: Catalog):
    """A backup that is what it was is ok, and its manifest stays as it is."""
    assert check(catalog) == Verdict(an_id(1), ok=True)
    assert catalog.backup(an_id(1)).state is State.CHECKED


def test_damage_is_put_down(catalog: Catalog):
    """A damaged file is said to be so, and its backup no longer counts."""
    flip_a_bit(catalog.path(an_id(1)))
    verdict = check(catalog)
    assert (verdict.ok, verdict.damaged) == (False, True)
    assert catalog.backup(an_id(1)).damage == verdict.fact
    assert catalog.read().last_good is None


def test_mended_file_is_good_again(catalog: Catalog):
    """A file that was damaged and is what it was again counts again."""
    flip_a_bit(catalog.path(an_id(1)))
    check(catalog)
    flip_a_bit(catalog.path(an_id(1)))
    assert check(catalog).ok
    assert catalog.read().last_good is not None


def test_missing_file_is_damage(catalog: Catalog):
    """A backup whose file is gone is damaged."""
    catalog.path(an_id(1)).unlink()
    assert check(catalog).fact == "its file is gone"


def test_changed_manifest_is_damage(catalog: Catalog):
    """A backup whose manifest was changed is damaged, and the manifest is left for a person to look at."""
    manifest = catalog.path(an_id(1), ".json")
    flip_a_bit(manifest, byte=40)
    changed = manifest.read_bytes()
    assert check(catalog).damaged
    assert manifest.read_bytes() == changed


def test_verdict_is_given_while_a_backup_runs(catalog: Catalog):
    """While a backup is made another can be checked; its state is put down another time."""
    turn = catalog.turn()
    catalog.tell(a_run(2))
    flip_a_bit(catalog.path(an_id(1)))
    assert check(catalog).damaged
    assert catalog.backup(an_id(1)).state is State.CHECKED
    turn.release()


def test_unknown_backup_is_not_found(catalog: Catalog):
    """There is no verdict on what is not there."""
    with pytest.raises(NotFound):
        recheck(catalog, an_id(9), NOON, lambda _: None)


def test_changed_roles_are_damage(catalog: Catalog):
    """The roles beside a backup are read again with it."""
    path = catalog.path(an_id(1), ROLES)
    path.write_bytes(b"CREATE ROLE owner;")
    roles = RolesFile(path.name, hashlib.sha256(b"CREATE ROLE owner;").hexdigest())
    catalog.rewrite(replace(catalog.backup(an_id(1)), roles_file=roles))
    assert check(catalog).ok
    flip_a_bit(path, byte=-3)
    verdict = check(catalog)
    assert (verdict.damaged, verdict.fact) == (True, "its roles are not what was written")
