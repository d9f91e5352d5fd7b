from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.core.accounts import Account, owner_of, unprivileged
from app.core.errors import Unavailable

OURS = Account(os.geteuid(), os.getegid())
STRANGER = Account(54321, 54321)


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that everybody can enter; pytest's own are shut."""
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        Path(name).chmod(0o755)
        yield Path(name)


def belonging_to_another(folder: Path) -> Path:
    """A folder that is neither ours nor the stranger's."""
    if os.geteuid() != 0:
        return Path("/")
    os.chown(folder, 12345, 12345)
    return folder


def test_unprivileged_is_never_root():
    """The account for a server is ourselves, or another one when we are root."""
    account = unprivileged()
    assert account.uid != 0
    assert account.is_ours == (os.geteuid() != 0)


def test_our_own_account_needs_no_switch():
    """A child for our own account is started without changing users, which only root may do."""
    assert OURS.switch == {}
    assert STRANGER.switch == {"user": 54321, "group": 54321, "extra_groups": []}


def test_reaches_what_is_open(folder: Path):
    """An account reaches a name below open folders, whether it exists yet or not."""
    assert STRANGER.reaches(folder / "not" / "yet")


def test_does_not_reach_past_a_shut_folder(folder: Path):
    """A folder of mode 0700 keeps every other account out of all that is below it."""
    (folder / "shut").mkdir(mode=0o700)
    assert not STRANGER.reaches(folder / "shut" / "inner")
    assert OURS.reaches(folder / "shut" / "inner")


def test_does_not_reach_where_a_link_leads_through_a_shut_folder(folder: Path):
    """A link that everybody can read is of no use to who cannot enter its target's folder."""
    (folder / "shut" / "target").mkdir(parents=True)
    (folder / "shut").chmod(0o700)
    (folder / "link").symlink_to("shut/target")
    assert not STRANGER.reaches(folder / "link")


def test_claim_makes_a_private_folder_whatever_the_umask(folder: Path):
    """A claimed folder is the account's and nobody else can enter it."""
    before = os.umask(0o277)
    try:
        OURS.claim(folder / "mine")
    finally:
        os.umask(before)
    assert stat.S_IMODE((folder / "mine").stat().st_mode) == 0o700
    assert owner_of(folder / "mine") == OURS


def test_claim_is_repeatable(folder: Path):
    """Claiming a folder again changes nothing."""
    OURS.claim(folder / "mine")
    OURS.claim(folder / "mine")
    assert owner_of(folder / "mine") == OURS


def test_claim_refuses_what_is_somebody_elses(folder: Path):
    """A folder that another account has put in the way is not used."""
    with pytest.raises(Unavailable, match="belongs to somebody else"):
        STRANGER.claim(belonging_to_another(folder))


def test_claim_does_not_follow_a_link(folder: Path):
    """A link in the place of the folder is refused, because its target is somebody else's choice."""
    (folder / "target").mkdir()
    (folder / "link").symlink_to("target")
    with pytest.raises(Unavailable):
        OURS.claim(folder / "link")
