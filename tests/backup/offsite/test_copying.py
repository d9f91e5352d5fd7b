"""A backup there and back again, on every kind of place."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pyrage
import pytest

from app.backup.catalog import ROLES, Catalog
from app.backup.companions import RolesFile, SecondCopy
from app.backup.manifest import sealed
from app.backup.model import Backup, Damaged
from app.backup.offsite.copying import Copier
from app.backup.offsite.place import Place, open_place
from app.backup.offsite.settings import OffsiteSettings
from app.backup.retention import Policy
from app.core.errors import InputRejected, NotFound, Unavailable
from tests.backup.samples import NOON, an_id, flip_a_bit, publish

from .conftest import folder_settings

SQL = b"CREATE ROLE owner;\n"


class Desk:
    """A catalogue with backups, and another one on a machine that has lost everything."""

    def __init__(self, folder: Path) -> None:
        self.catalog = Catalog(folder / "backups")
        self.lost = Catalog(folder / "another machine")
        self.backup = self.publish(1)

    def publish(self, sequence: int, *, days_old: float = 0) -> Backup:
        """A good backup with roles beside it."""
        backup = publish(self.catalog, sequence, days_old=days_old)
        path = self.catalog.path(backup.id, ROLES)
        path.write_bytes(SQL)
        roles = RolesFile(path.name, hashlib.sha256(SQL).hexdigest())
        backup = replace(backup, roles_file=roles)
        self.catalog.rewrite(backup)
        return backup

    @contextmanager
    def copier(self, settings: OffsiteSettings, *, lost: bool = False) -> Iterator[Copier]:
        """The way to the place, from the one machine or the other."""
        with open_place(settings) as place:
            yield Copier(self.lost if lost else self.catalog, place, settings.url, settings.recipients)

    def copy(self, settings: OffsiteSettings) -> SecondCopy:
        """Copy the backup."""
        with self.copier(settings) as copier:
            return copier.copy(self.backup, NOON, lambda _: None)

    def fetch(self, settings: OffsiteSettings, identity: Path | None = None) -> Backup:
        """Fetch the backup to the machine that has lost everything."""
        with self.copier(settings, lost=True) as copier:
            turn = self.lost.turn()
            try:
                copier.fetch(copier.backup(self.backup.id), identity, lambda _: None)
            finally:
                turn.release()
        return self.lost.backup(self.backup.id)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """A desk with one backup."""
    return Desk(tmp_path)


@pytest.fixture
def identity(tmp_path: Path) -> Path:
    """The file of an identity."""
    path = tmp_path / "identity"
    path.write_text(f"{pyrage.x25519.Identity.generate()}\n")
    return path


def test_backup_comes_back_on_another_machine(desk: Desk, settings: OffsiteSettings):
    """Data, roles and manifest are there, and a machine that has nothing gets them back to the bit."""
    copy = desk.copy(settings)
    assert (copy.place, copy.sha256, copy.encrypted) == (settings.url, desk.backup.sha256, False)
    back = desk.fetch(settings)
    assert back == replace(desk.backup, second_copy=copy)
    assert desk.lost.path(back.id).read_bytes() == desk.catalog.path(back.id).read_bytes()
    assert desk.lost.path(back.id, ROLES).read_bytes() == SQL


def test_encrypted_copy_needs_the_identity(desk: Desk, settings: OffsiteSettings, identity: Path):
    """Encrypted, no file but the manifest is readable there; the identity opens it again."""
    settings = settings.model_copy(update={"recipients": (_public(identity),)})
    copy = desk.copy(settings)
    assert copy.encrypted
    with open_place(settings) as place:
        assert sorted(name.partition(".")[2] for name in place.names()) == [
            "dump.gz.age",
            "json",
            "roles.sql.age",
        ]
    with pytest.raises(InputRejected, match="encrypted"):
        desk.fetch(settings)
    desk.fetch(settings, identity)
    assert desk.lost.path(desk.backup.id).read_bytes() == desk.catalog.path(desk.backup.id).read_bytes()


def test_manifest_is_copied_last(desk: Desk, tmp_path: Path):
    """Where the copy is broken off, there is no backup in the place; the next one completes it."""
    settings = folder_settings(tmp_path)
    with desk.copier(settings) as copier, pytest.raises(Unavailable, match="enough"):
        copier.copy(desk.backup, NOON, _break_off_at(0.9))
    with desk.copier(settings) as copier:
        assert copier.manifests() == []
        copier.copy(desk.backup, NOON, lambda _: None)
        assert [one.id for one in copier.manifests()] == [desk.backup.id]


def test_place_that_loses_bits_is_found_out(desk: Desk, tmp_path: Path):
    """A copy that reads back as something else does not count, and gets no manifest."""
    settings = folder_settings(tmp_path)
    with open_place(settings) as place, pytest.raises(Unavailable, match="gave back another"):
        Copier(desk.catalog, Forgetful(place), settings.url).copy(desk.backup, NOON, lambda _: None)
    with desk.copier(settings) as copier:
        assert copier.manifests() == []


def test_rotten_file_is_not_copied(desk: Desk, tmp_path: Path):
    """A file that is no longer what was written is found while it is copied, and not left there."""
    flip_a_bit(desk.catalog.path(desk.backup.id))
    with pytest.raises(Damaged, match="not what was written"):
        desk.copy(folder_settings(tmp_path))
    assert list((tmp_path / "second disk").iterdir()) == []


def test_copy_that_is_there_is_not_sent_again(desk: Desk, tmp_path: Path):
    """After a process was killed before it could say so, the copy is only read back."""
    settings = folder_settings(tmp_path)
    first = desk.copy(settings)
    sent = tmp_path / "second disk" / first.file
    inode = sent.stat().st_ino
    assert desk.copy(settings) == first
    assert sent.stat().st_ino == inode


def test_damaged_copy_is_not_fetched(desk: Desk, tmp_path: Path):
    """A copy that has changed there is refused, and leaves nothing in the catalogue."""
    settings = folder_settings(tmp_path)
    flip_a_bit(tmp_path / "second disk" / desk.copy(settings).file)
    with pytest.raises(Damaged):
        desk.fetch(settings)
    assert desk.lost.read().all == []
    assert not list(desk.lost.folder.glob("*.part"))


@pytest.mark.parametrize("name", ["../../evil", "/etc/evil", "another.dump.gz"])
def test_manifest_that_leads_elsewhere_is_no_backup(desk: Desk, tmp_path: Path, name: str):
    """Whoever can write to the place cannot make a fetch write outside of the folder."""
    settings = folder_settings(tmp_path)
    copy = desk.copy(settings)
    for forged in (
        replace(desk.backup, second_copy=copy, file=name),
        replace(desk.backup, second_copy=copy, roles_file=RolesFile(name, "ab")),
        replace(desk.backup, second_copy=replace(copy, file=name)),
    ):
        (tmp_path / "second disk" / f"{desk.backup.id}.json").write_bytes(sealed(forged))
        with pytest.raises(NotFound):
            desk.fetch(settings)


def test_moved_place_is_the_place(desk: Desk, tmp_path: Path):
    """Copies that are found under another name of the place count there."""
    settings = folder_settings(tmp_path)
    desk.copy(settings)
    moved = settings.model_copy(update={"url": f"{settings.url}/."})
    assert desk.copy(moved).place == moved.url


def test_backup_that_is_nowhere(desk: Desk, tmp_path: Path):
    """An id that the place does not have is NotFound, also one that is no id."""
    with desk.copier(folder_settings(tmp_path)) as copier:
        for name in (an_id(9), "../x"):
            with pytest.raises(NotFound):
                copier.backup(name)


def test_old_copies_go(desk: Desk, tmp_path: Path):
    """Copies older than the days go whole, foreign files stay, and so many good ones always stay."""
    settings = folder_settings(tmp_path)
    with desk.copier(settings) as copier:
        for sequence in range(2, 7):
            backup = desk.publish(sequence, days_old=6 - sequence)
            copier.copy(backup, NOON, lambda _: None)
        (tmp_path / "second disk" / "mine.txt").write_text("not yours")
        gone = copier.rotate(NOON, Policy(days=2, at_least=1))
        assert gone == [an_id(2), an_id(3)]
        left = [one.id for one in copier.manifests()]
        assert left == [an_id(6), an_id(5), an_id(4)]
        assert {name.partition(".")[0] for name in copier.place.names()} == {*left, "mine"}
        assert copier.rotate(NOON, Policy(days=2, at_least=3)) == []


def _public(identity: Path) -> str:
    return str(pyrage.x25519.Identity.from_str(identity.read_text().strip()).to_public())


def _break_off_at(limit: float):
    def follow(share: float) -> None:
        if share > limit:
            raise Unavailable("enough")

    return follow


class Forgetful:
    """A place that gives back something else."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self.put, self.names, self.delete = place.put, place.names, place.delete

    def get(self, name: str) -> Iterator[bytes]:
        """The file, with other bytes."""
        yield from (os.urandom(len(chunk)) for chunk in self._place.get(name))
