"""What of an archive is restored in a drill, and by whom."""

from __future__ import annotations

import pytest

from app.backup.rehearsal import is_of_the_scratch, plan_rehearsal

LISTING = """;
; Archive created at 2026-11-23 12:00:00 UTC
;
6; 2615 16390 SCHEMA - ext owner
2; 3079 16391 EXTENSION - pg_trgm
3600; 0 0 COMMENT - EXTENSION pg_trgm
216; 1259 16400 TABLE public EXTENSION owner
3470; 0 16400 TABLE DATA public EXTENSION owner
3471; 0 0 COMMENT public TABLE "EXTENSION" owner
3300; 6104 16500 PUBLICATION - all_of_it owner
3301; 3466 16501 EVENT TRIGGER - watching owner
"""


def test_superuser_makes_schemas_and_extensions_only():
    """Nothing that holds code of a user is made by the superuser."""
    plan = plan_rehearsal(LISTING)
    assert plan.by_superuser.splitlines() == LISTING.splitlines()[3:5]
    assert plan.by_role.splitlines() == LISTING.splitlines()[6:9]


def test_extensions_are_named():
    """Those that the archive asks for, and no table that is called so."""
    assert plan_rehearsal(LISTING).extensions == ("pg_trgm",)


def test_what_is_left_out_is_named():
    """What only a superuser could make is told; a comment on an extension is not worth it."""
    assert plan_rehearsal(LISTING).left_out == ("event triggers", "publications")


def test_an_empty_archive_needs_nothing():
    """Of an empty database there is nothing to restore."""
    plan = plan_rehearsal(";\n; nothing\n")
    assert (plan.by_superuser, plan.by_role, plan.extensions) == ("", "", ())


@pytest.mark.parametrize(
    ("complaint", "is_its_fault"),
    [
        ('pg_restore failed: ERROR:  extension "x" is not available', True),
        ('collation "pt_BR.utf8" for encoding "UTF8" does not exist', True),
        ("permission denied to create access method", True),
        ("unsupported XML feature", True),
        ("could not extend file: No space left on device", True),
        ("server closed the connection unexpectedly", True),
        ('relation "settings" does not exist', False),
        ('duplicate key value violates unique constraint "a_pkey"', False),
        ("invalid byte sequence", False),
    ],
)
def test_complaints_are_told_apart(complaint: str, *, is_its_fault: bool):
    """What the scratch server lacks says nothing of the backup; everything else does."""
    assert is_of_the_scratch(complaint) is is_its_fault
