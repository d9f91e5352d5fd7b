"""Manifests as files."""

from __future__ import annotations

import json

import pytest

from app.backup.manifest import _with_seal, sealed, unsealed
from app.backup.model import Damaged

from .samples import a_backup


def test_comes_back_as_it_was():
    """A manifest that was written is read as the same backup."""
    assert unsealed(sealed(a_backup())) == a_backup()


def test_is_readable_json():
    """People and jq can read it."""
    told = json.loads(sealed(a_backup()))
    assert (told["format"], told["state"], told["source"]["roles"]) == (1, "checked", ["owner"])


def test_every_flipped_bit_is_noticed():
    """Not one bit of a manifest can change without its being noticed."""
    content = sealed(a_backup())
    for position in range(len(content) * 8):
        changed = bytearray(content)
        changed[position // 8] ^= 1 << position % 8
        with pytest.raises(Damaged):
            unsealed(bytes(changed))


def test_every_truncation_is_noticed():
    """A manifest that was cut off anywhere, or has grown, is noticed."""
    content = sealed(a_backup())
    for length in range(len(content)):
        with pytest.raises(Damaged):
            unsealed(content[:length])
    with pytest.raises(Damaged):
        unsealed(content + b"\n")


def test_newer_fields_are_passed_over():
    """A manifest with fields of a later release is still a manifest."""
    body, _, _ = sealed(a_backup()).partition(b'  "manifest_sha256"')
    later = body.replace(b'  "format": 1,\n', b'  "format": 1,\n  "of_later": {"rows": 7},\n')
    assert unsealed(_with_seal(later)) == a_backup()


def test_foreign_json_is_damaged():
    """A file that is sealed but is no manifest says so."""
    with pytest.raises(Damaged, match="not of format 1"):
        unsealed(_with_seal(b"{\n"))
