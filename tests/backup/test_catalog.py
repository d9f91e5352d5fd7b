"""The folder of the backups."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from app.backup.catalog import PART, Catalog
from app.backup.model import Damaged, State
from app.core.errors import NotFound

from .samples import NOON, a_backup, a_failure, a_run, an_id, flip_a_bit, publish, write_archive


@pytest.fixture
def catalog(tmp_path: Path) -> Catalog:
    """A catalogue of a folder that is not there yet."""
    return Catalog(tmp_path / "backups")


def whole(backup_id: str) -> set[str]:
    """The files of a backup."""
    return {f"{backup_id}{suffix}" for suffix in (".json", ".dump.gz", ".sha256")}


def names(catalog: Catalog) -> set[str]:
    """The files of the folder, without the lock."""
    return {path.name for path in catalog.folder.iterdir()} - {".lock"}


def begun_and_killed(catalog: Catalog, sequence: int = 1) -> None:
    """What a run leaves whose process was killed while it dumped."""
    turn = catalog.turn()
    catalog.tell(a_run(sequence))
    write_archive(catalog.path(an_id(sequence), PART))
    turn.release()


def test_no_folder_is_an_empty_catalogue(catalog: Catalog):
    """Reading makes no folder, and finds nothing."""
    assert catalog.read().all == []
    assert not catalog.folder.exists()


def test_published_backup_is_listed(catalog: Catalog):
    """A backup is its file, its checksum and its manifest, and nothing else is left."""
    backup = publish(catalog)
    assert catalog.read().backups == [backup]
    assert names(catalog) == whole(backup.id)


def test_everything_is_private_whatever_the_umask(catalog: Catalog):
    """With a umask of 000 and a folder that was open, files are 0600 and the folder 0700."""
    catalog.folder.mkdir(mode=0o777)
    catalog.folder.chmod(0o777)
    before = os.umask(0)
    try:
        publish(catalog)
        catalog.record(a_failure(2))
        catalog.tell(a_run(3))
    finally:
        os.umask(before)
    assert {path.stat().st_mode & 0o777 for path in catalog.folder.iterdir()} == {0o600}
    assert catalog.folder.stat().st_mode & 0o777 == 0o700


def test_newest_first_by_sequence(catalog: Catalog):
    """Backups are told newest first by their sequence, whatever times they bear."""
    for sequence in (2, 3, 1):
        publish(catalog, sequence, days_old=sequence)
    assert [backup.sequence for backup in catalog.read().backups] == [3, 2, 1]


def test_file_without_manifest_is_no_backup(catalog: Catalog):
    """A file alone is not a backup; foreign files are no backups either."""
    backup = publish(catalog)
    catalog.path(backup.id, ".json").unlink()
    (catalog.folder / "notes.json").write_text("{}")
    (catalog.folder / "old.dump.gz").touch()
    assert catalog.read().all == []


def test_changed_manifest_is_listed_as_damaged(catalog: Catalog):
    """A manifest that was changed is shown as damaged, and its backup does not count."""
    backup = publish(catalog)
    flip_a_bit(catalog.path(backup.id, ".json"), byte=30)
    contents = catalog.read()
    assert [(one.id, one.state) for one in contents.all] == [(backup.id, State.DAMAGED)]
    assert contents.last_good is None
    with pytest.raises(Damaged):
        catalog.backup(backup.id)


def test_manifest_of_another_is_damaged(catalog: Catalog):
    """A manifest that was copied over another's does not speak for that file."""
    first, second = publish(catalog, 1), publish(catalog, 2)
    catalog.path(first.id, ".json").write_bytes(catalog.path(second.id, ".json").read_bytes())
    assert catalog.read().unreadable[0].damage == "its manifest is that of another backup"


@pytest.mark.parametrize("length", [0, 10])
def test_missing_or_shortened_file_is_damaged_at_a_glance(catalog: Catalog, length: int):
    """A file that is gone or has another size does not count, without its being read."""
    backup = publish(catalog)
    os.truncate(catalog.path(backup.id), length)
    if not length:
        catalog.path(backup.id).unlink()
    assert catalog.read().backups[0].state is State.DAMAGED


@pytest.mark.parametrize("name", ["../etc/passwd", "..", "", "nothing", "a\0b"])
def test_hostile_ids_find_nothing(catalog: Catalog, name: str):
    """An id that is none leads nowhere."""
    with pytest.raises(NotFound):
        catalog.backup(name)


def test_running_is_told_while_its_process_lives(catalog: Catalog):
    """A run is shown while its turn is held, and not when it is not."""
    turn = catalog.turn()
    catalog.tell(a_run())
    assert catalog.read().running == a_run()
    turn.release()
    assert catalog.read().running is None


def test_killed_run_becomes_a_failure(catalog: Catalog):
    """What a killed process left is removed, and its run is recorded as failed."""
    publish(catalog, 1)
    begun_and_killed(catalog, 2)
    failure = catalog.recover(NOON)
    assert failure is not None
    assert (failure.id, failure.fact) == (an_id(2), "the process that made it was killed")
    assert names(catalog) == whole(an_id(1)) | {f"{an_id(2)}.failed.json"}
    assert catalog.recover(NOON) is None


def test_killed_between_file_and_manifest_leaves_no_file(catalog: Catalog):
    """A process killed before its manifest was written has made no backup, and its file goes."""
    begun_and_killed(catalog)
    catalog.path(an_id(1), PART).rename(catalog.path(an_id(1)))
    assert catalog.recover(NOON) is not None
    assert names(catalog) == {f"{an_id(1)}.failed.json"}


def test_half_written_manifest_goes(catalog: Catalog):
    """What a process leaves that was killed while it wrote a manifest is removed; foreign files are not."""
    begun_and_killed(catalog)
    (catalog.folder / f".{an_id(1)}.json.4711.part").touch()
    (catalog.folder / "foreign.part").touch()
    catalog.recover(NOON)
    assert names(catalog) == {f"{an_id(1)}.failed.json", "foreign.part"}


def test_killed_after_its_manifest_is_a_success(catalog: Catalog):
    """A process killed after its manifest was written has made a backup."""
    backup = publish(catalog)
    catalog.tell(a_run())
    assert catalog.recover(NOON) is None
    assert catalog.read().backups == [backup]


def test_recovery_leaves_a_living_run_alone(catalog: Catalog):
    """While a run is under way, nothing of it is cleaned up."""
    turn = catalog.turn()
    catalog.tell(a_run())
    write_archive(catalog.path(an_id(1), PART))
    assert catalog.recover(NOON) is None
    assert f"{an_id(1)}{PART}" in names(catalog)
    turn.release()


def test_broken_off_deletion_is_ended(catalog: Catalog):
    """When a deletion was broken off after the manifest, the next run removes the rest."""
    backup = publish(catalog)
    catalog.path(backup.id, ".json").rename(catalog.path(backup.id, ".deleted"))
    assert catalog.read().all == []
    catalog.clean_up(NOON)
    assert names(catalog) == set()


def test_deleted_backup_leaves_nothing(catalog: Catalog):
    """A deletion removes manifest and file, and nothing else."""
    first, second = publish(catalog, 1), publish(catalog, 2)
    catalog.delete(first)
    assert names(catalog) == whole(second.id)


def test_so_many_failures_are_kept(catalog: Catalog):
    """Of the records of failures the newest twenty are kept; how many there were is not forgotten."""
    catalog.turn().release()
    for sequence in range(1, 26):
        catalog.record(a_failure(sequence))
    contents = catalog.read()
    assert [failure.sequence for failure in contents.failures] == list(range(25, 5, -1))
    assert contents.failures_total == 25


def test_rewritten_manifest_keeps_its_place(catalog: Catalog):
    """What became known of a backup is in its manifest afterwards."""
    publish(catalog)
    catalog.rewrite(a_backup(state=State.PROVEN, fingerprint=catalog.backup(an_id(1)).fingerprint))
    assert catalog.backup(an_id(1)).state is State.PROVEN


def test_either_codec_is_found_and_goes_whole(catalog: Catalog):
    """The data of a backup are found by its id in whichever codec they are, and deleted with it."""
    backup = replace(publish(catalog), file=f"{an_id(1)}.dump.zst")
    catalog.path(an_id(1)).rename(catalog.folder / backup.file)
    catalog.rewrite(backup)
    assert catalog.backup(an_id(1)) == backup
    assert catalog.path(an_id(1)).name == backup.file
    catalog.delete(backup)
    assert names(catalog) == set()


def test_wish_to_cancel_is_of_one_run_and_ends_with_it(catalog: Catalog):
    """A run is wished away by its id; what remains of the wish is gone with the run's end."""
    publish(catalog)
    catalog.cancel(an_id(2))
    assert catalog.is_cancelled(an_id(2))
    assert not catalog.is_cancelled(an_id(3))
    catalog.over()
    assert not catalog.is_cancelled(an_id(2))


def test_data_without_a_manifest_are_strays(catalog: Catalog):
    """Data whose manifest was deleted are told by name; foreign files and whole backups are not."""
    publish(catalog)
    gone = publish(catalog, 2)
    catalog.path(gone.id, ".json").unlink()
    (catalog.folder / "mine.dump.gz").touch()
    assert catalog.strays() == [gone.file]
