"""The servers that a backup may be drilled in."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.backup.builds import Build, builds, fitting
from app.backup.model import NotDrillable


def a_build(version: str, *extensions: str, is_ours: bool = True) -> Build:
    """A server of that version with those extensions."""
    return Build(Path("/", version), version, frozenset(["plpgsql", *extensions]), is_ours)


FOUND = [
    a_build("18.4", "vector"),
    a_build("16.14", "vector"),
    a_build("18.6", "vector", "citext"),
    a_build("17.10", "pgcrypto", "citext", is_ours=False),
]


def versions(at_least: int, *extensions: str) -> list[str]:
    """The versions that fit."""
    return [build.version for build in fitting(FOUND, at_least=at_least, extensions=extensions)]


def test_the_wheel_is_found_with_its_extensions():
    """The server that comes with Atalaia is found, and what can be made in it."""
    ours = max((build for build in builds() if "pixeltable" in str(build.folder)), key=lambda b: b.major)
    assert ours.major >= 18
    assert ours.is_ours
    assert {"plpgsql", "vector"} <= ours.extensions
    assert ours.tools.program("pg_restore").is_file()


def test_the_nearest_version_comes_first():
    """Of the servers that are new enough the oldest is taken."""
    assert versions(15) == ["16.14", "17.10", "18.4", "18.6"]
    assert versions(18) == ["18.4", "18.6"]


def test_extensions_decide():
    """A server without an extension that the dump needs is passed over."""
    assert versions(16, "citext") == ["17.10", "18.6"]
    assert versions(15, "pgcrypto", "citext") == ["17.10"]


def test_what_is_missing_is_named():
    """Where no server fits, it is said what the nearest one lacks, and what to install."""
    with pytest.raises(NotDrillable, match="has the extension pgcrypto") as refused:
        versions(18, "pgcrypto", "vector")
    assert "`drill`" in refused.value.hint
    with pytest.raises(NotDrillable, match="no PostgreSQL 19 or newer"):
        versions(19)
