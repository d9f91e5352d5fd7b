"""What every kind of place does alike, against real servers; and what each refuses."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.backup.offsite.place import open_place
from app.backup.offsite.settings import OffsiteSettings
from app.core.errors import NotFound, Unavailable

from .conftest import folder_settings
from .servers import KEY, PASSWORD, SECRET, S3Server, SftpServer

CHECKOUT = Path(__file__).parents[3]
WITHOUT = """
import json, sys
from pathlib import Path
for package in ("obstore", "asyncssh", "pyrage"):
    sys.modules[package] = None
import app
from app.backup.catalog import Catalog
from app.backup.offsite.courier import Courier
from app.backup.offsite.settings import OffsiteSettings
from app.core.clock import SystemClock
from app.core.errors import Unavailable
from tests.backup.samples import publish
catalog = Catalog(Path(sys.argv[2]))
backup = publish(catalog)
for settings in json.loads(sys.argv[1]):
    try:
        courier = Courier(OffsiteSettings(**settings), catalog, SystemClock(), print)
        courier.copy(backup.id, lambda share: None)
    except Unavailable as error:
        print(error.fact)
"""
NEEDING = {
    "obstore": {"url": "s3://bucket"},
    "asyncssh": {"url": "sftp://me@host/x"},
    "pyrage": {"url": "file:///tmp", "recipients": "age1abc"},
}


def test_file_comes_back_as_it_was(settings: OffsiteSettings):
    """A small file is there under its name, and comes back."""
    with open_place(settings) as place:
        place.put("a.json", [b"one ", b"two"], 7)
        assert place.names() == ["a.json"]
        assert b"".join(place.get("a.json")) == b"one two"


def test_large_file_goes_in_parts(settings: OffsiteSettings):
    """A file of many parts comes back whole, also when its size was only guessed."""
    chunks = [os.urandom(1 << 20) for _ in range(21)]
    with open_place(settings) as place:
        place.put("large", chunks, 20 << 20)
        assert b"".join(place.get("large")) == b"".join(chunks)


def test_empty_file(settings: OffsiteSettings):
    """A file without a byte is a file."""
    with open_place(settings) as place:
        place.put("empty", [], 0)
        assert list(place.get("empty")) == []
        assert place.names() == ["empty"]


def test_file_is_replaced(settings: OffsiteSettings):
    """A second file of a name takes the place of the first."""
    with open_place(settings) as place:
        for content in (b"old", b"new"):
            place.put("a", [content], 3)
        assert b"".join(place.get("a")) == b"new"
        assert place.names() == ["a"]


def test_broken_off_file_is_not_there(settings: OffsiteSettings):
    """What ends the chunks ends the call, and no part of the file is left."""
    with open_place(settings) as place:
        with pytest.raises(Unavailable, match="enough"):
            place.put("large", _broken_off(), 50 << 20)
        assert place.names() == []


def test_broken_off_upload_takes_its_parts_back(s3: S3Server):
    """What failed in the middle leaves no parts in the bucket, which nobody sees and everybody pays."""
    with open_place(s3.settings("unfinished")) as place, pytest.raises(Unavailable, match="enough"):
        place.put("large", _broken_off(), 50 << 20)
    assert "Uploads" not in s3.client().list_multipart_uploads(Bucket="unfinished")


def test_missing_file(settings: OffsiteSettings):
    """A file that is not there is NotFound; to delete it is no error."""
    with open_place(settings) as place:
        with pytest.raises(NotFound):
            list(place.get("nothing"))
        place.put("a", [b"1"], 1)
        place.delete("a")
        place.delete("a")
        assert place.names() == []


def test_missing_bucket_is_told(s3: S3Server):
    """A bucket that nobody made is named as the reason, and no key is in the error."""
    with open_place(s3.unmade("nobody-made-it")) as place, pytest.raises(Unavailable) as error:
        place.put("a", [b"1"], 1)
    assert error.value.fact == "the S3 server refused: NoSuchBucket"
    assert KEY not in str(error.value)
    assert SECRET not in str(error.value)


def test_absent_server_is_told(tmp_path: Path):
    """A server that is not there is told in time, without secrets."""
    settings = OffsiteSettings(
        url="s3://a-bucket", endpoint="http://127.0.0.1:9", access_key_id=KEY, secret_access_key=SECRET
    )
    with open_place(settings) as place, pytest.raises(Unavailable, match="did not answer") as error:
        place.names()
    assert SECRET not in str(error.value)


def test_unknown_host_key_is_refused(sftp: SftpServer, tmp_path: Path):
    """An SFTP server whose host key is not in known_hosts gets neither password nor file."""
    nobody = tmp_path / "known_hosts"
    nobody.write_text("")
    settings = sftp.settings("trap", known_hosts=str(nobody))
    with pytest.raises(Unavailable, match="host key is not known"), open_place(settings):
        pass
    assert not (sftp.folder / "trap").exists()


def test_nobody_is_known_without_known_hosts(
    sftp: SftpServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Without a file of known hosts anywhere no server is known, and none is trusted."""
    monkeypatch.setenv("HOME", str(tmp_path))
    settings = sftp.settings("trap", known_hosts="")
    with pytest.raises(Unavailable, match="host key is not known"), open_place(settings):
        pass


def test_wrong_password_is_told(sftp: SftpServer):
    """A refused login is told without the password."""
    settings = sftp.settings("x", password=f"{PASSWORD}-not")
    with pytest.raises(Unavailable, match="Permission denied") as error, open_place(settings):
        pass
    assert PASSWORD not in str(error.value)


def test_key_opens_the_door(sftp: SftpServer):
    """A private key does instead of a password, also with its last line feed cut off as from a file."""
    with open_place(sftp.settings("by-key", password="", ssh_key=sftp.user_key.strip())) as place:
        place.put("a", [b"1"], 1)
    assert (sftp.folder / "by-key" / "a").stat().st_mode & 0o777 == 0o600
    assert (sftp.folder / "by-key").stat().st_mode & 0o777 == 0o700


def test_packages_are_only_needed_by_who_uses_them(tmp_path: Path):
    """Without the packages of the extra the application is imported; who needs one is told its name."""
    command = [sys.executable, "-c", WITHOUT, json.dumps(list(NEEDING.values())), str(tmp_path)]
    told = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=True, timeout=60)
    assert told.stdout.splitlines() == [f"the package {package} is not installed" for package in NEEDING]


def test_unmounted_folder_is_refused(tmp_path: Path):
    """A folder that is not there is a disk that is not mounted: it is not made."""
    settings = OffsiteSettings(url=f"file://{tmp_path}/nowhere")
    with pytest.raises(Unavailable, match="is not there"), open_place(settings):
        pass
    assert not (tmp_path / "nowhere").exists()


def test_files_in_a_folder_are_private(tmp_path: Path):
    """Nobody else may read a copy, whatever the umask."""
    with open_place(folder_settings(tmp_path)) as place:
        place.put("a", [b"1"], 1)
    assert (tmp_path / "second disk" / "a").stat().st_mode & 0o777 == 0o600


def _broken_off() -> Iterator[bytes]:
    for _ in range(12):
        yield bytes(1 << 20)
    raise Unavailable("enough")
