"""The settings of the second copy."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from app.backup.offsite.settings import OffsiteSettings


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("ftp://host/x", "none of s3"),
        ("sftp://me:canary@host/x", "a password does not belong"),
        ("sftp://host/x", "names no user"),
        ("s3:///x", "no bucket"),
        ("file://relative/x", "no absolute folder"),
        ("/mnt/x", "none of s3"),
    ],
)
def test_bad_urls_are_refused(url: str, reason: str):
    """What is no place is refused with the reason."""
    with pytest.raises(ValidationError, match=reason):
        OffsiteSettings(url=url)


def test_private_key_as_recipient_is_not_repeated():
    """A private key in the place of a public one is refused, and the reason does not repeat it."""
    with pytest.raises(ValidationError) as error:
        OffsiteSettings(recipients="AGE-SECRET-KEY-1CANARY")
    assert "CANARY" not in error.value.errors()[0]["msg"]


def test_secrets_do_not_show():
    """Printed, the settings show no secret."""
    settings = OffsiteSettings(secret_access_key="canary-1", password="canary-2", ssh_key="canary-3")
    assert "canary" not in repr(settings)
