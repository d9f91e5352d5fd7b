"""What pgBackRest says that it would drop."""

from __future__ import annotations

from app.backup.pgbackrest.expiry import expiring

FULL, DIFF, OTHER = "20261123-140504F", "20261123-140504F_20261123-140911D", "20261124-020000F"


def test_labels_that_go_are_read_from_its_log():
    """A full one goes with all that build upon it."""
    line = f"P00   INFO: [DRY-RUN] repo1: expire full backup set {FULL}, {DIFF}"
    assert expiring([line]) == {FULL, DIFF}


def test_one_that_goes_alone_is_read_too():
    """With or without its type."""
    assert expiring([f"P00   INFO: repo1: expire diff backup {DIFF}"]) == {DIFF}
    assert expiring([f"P00   INFO: repo1: remove expired backup {OTHER}"]) == {OTHER}


def test_log_that_goes_is_no_backup():
    """Pieces of the log are dropped without any backup."""
    assert not expiring([f"P00   INFO: repo1: 15-1 remove archive, start = 0, for {FULL}"])
