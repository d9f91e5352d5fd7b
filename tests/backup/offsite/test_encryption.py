"""age files, opened by pyrage and by age itself."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import asyncssh
import pyrage
import pytest

from app.backup.model import Damaged
from app.backup.offsite.encryption import decrypt, encrypted
from app.core.errors import InputRejected, Unavailable

CONTENT = os.urandom(3_000_000)


@pytest.fixture
def keys(tmp_path: Path) -> tuple[str, Path]:
    """A public key, and the file of its identity as age-keygen writes it."""
    identity = pyrage.x25519.Identity.generate()
    path = tmp_path / "identity.txt"
    path.write_text(f"# created: today\n# public key: {identity.to_public()}\n{identity}\n")
    return str(identity.to_public()), path


def chunks(content: bytes = CONTENT, size: int = 1 << 20) -> Iterator[bytes]:
    """The content in pieces."""
    yield from (content[start : start + size] for start in range(0, len(content), size))


def test_what_was_encrypted_comes_back(keys: tuple[str, Path]):
    """With the identity the content is what it was; without it, nothing of it shows."""
    public, identity = keys
    secret = b"".join(encrypted(chunks(), [public]))
    assert CONTENT[:64] not in secret
    sink = BytesIO()
    decrypt(chunks(secret, 1000), identity, sink)
    assert sink.getvalue() == CONTENT


def test_each_of_several_keys_opens(keys: tuple[str, Path], tmp_path: Path):
    """A copy for two people is opened by either; an SSH key is as good as one of age's."""
    ssh = asyncssh.generate_private_key("ssh-ed25519")
    (tmp_path / "id_ed25519").write_bytes(ssh.export_private_key("openssh"))
    secret = b"".join(encrypted(chunks(), [keys[0], ssh.export_public_key().decode().strip()]))
    for identity in (keys[1], tmp_path / "id_ed25519"):
        sink = BytesIO()
        decrypt(chunks(secret), identity, sink)
        assert sink.getvalue() == CONTENT


@pytest.mark.skipif(not shutil.which("age"), reason="the program age is not installed")
def test_age_itself_opens(keys: tuple[str, Path], tmp_path: Path):
    """The file is age's: `age -d` opens it without anything of ours."""
    (tmp_path / "copy.age").write_bytes(b"".join(encrypted(chunks(), [keys[0]])))
    command = ["age", "-d", "-i", keys[1], tmp_path / "copy.age"]
    assert subprocess.run(command, stdout=subprocess.PIPE, check=True, timeout=30).stdout == CONTENT


def test_other_identity_is_refused(keys: tuple[str, Path], tmp_path: Path):
    """Another identity, a file without one, and a file that is not there are told apart."""
    secret = b"".join(encrypted(chunks(), [keys[0]]))
    (tmp_path / "other").write_text(f"{pyrage.x25519.Identity.generate()}\n")
    (tmp_path / "none").write_text("nothing")
    for name, fact in (
        ("other", "does not open"),
        ("none", "holds no identity"),
        ("gone", "cannot be read"),
    ):
        with pytest.raises(InputRejected, match=fact):
            decrypt(chunks(secret), tmp_path / name, BytesIO())


@pytest.mark.parametrize("place", [300, 100_000, -5])
def test_changed_file_is_damage(keys: tuple[str, Path], place: int):
    """One flipped bit anywhere behind the header is noticed."""
    secret = bytearray(b"".join(encrypted(chunks(), [keys[0]])))
    secret[place] ^= 1
    with pytest.raises(Damaged):
        decrypt(chunks(bytes(secret)), keys[1], BytesIO())


def test_cut_file_is_damage(keys: tuple[str, Path]):
    """A file without its end is noticed, also when it was cut between two blocks."""
    secret = b"".join(encrypted(chunks(), [keys[0]]))
    for length in (len(secret) - 1, len(secret) // 2, 200 + 65_552 * 2):
        with pytest.raises(Damaged):
            decrypt(chunks(secret[:length]), keys[1], BytesIO())


def test_error_of_the_source_is_told_as_it_is(keys: tuple[str, Path]):
    """What ends the reading of the file ends the encryption, and nothing looks whole."""

    def broken() -> Iterator[bytes]:
        yield bytes(1 << 20)
        raise Unavailable("the disk is gone")

    with pytest.raises(Unavailable, match="the disk is gone"):
        list(encrypted(broken(), [keys[0]]))
    with pytest.raises(Unavailable, match="the disk is gone"):
        decrypt(broken_after(b"".join(encrypted(chunks(), [keys[0]]))), keys[1], BytesIO())


def broken_after(content: bytes) -> Iterator[bytes]:
    """Most of the content, then an error."""
    yield content[:-1000]
    raise Unavailable("the disk is gone")


def test_abandoned_encryption_ends(keys: tuple[str, Path]):
    """Whoever stops listening leaves no thread behind."""
    left = encrypted(chunks(), [keys[0]])
    next(left)
    left.close()


def test_wrong_public_key_is_refused():
    """What only looks like a public key is refused before a byte is read."""
    with pytest.raises(InputRejected, match="BACKUP_OFFSITE_RECIPIENTS"):
        next(encrypted(chunks(), ["age1xyz"]))
