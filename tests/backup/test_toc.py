"""Archives of pg_dump, read entry by entry."""

from __future__ import annotations

import re
import subprocess

import pytest

from app.backup.builds import Build, builds
from app.backup.model import Damaged
from app.backup.toc import entries

from .server import CONTENT, Server

LISTED = re.compile(r"(\d+); \d+ \d+ (.+)")
DUMPING = [build for build in builds() if build.major >= 18]


def dumped(server: Server, build: Build) -> bytes:
    """An archive of the content, by the pg_dump of that build."""
    server.make(content=CONTENT)
    command = (build.folder / "bin" / "pg_dump", "-Fc", "-Z0", "-d", server.url("shop"))
    return subprocess.run(command, capture_output=True, check=True).stdout


@pytest.mark.parametrize("build", DUMPING[:1], ids=lambda build: build.version)
def test_entries_are_those_that_pg_restore_lists(server: Server, build: Build):
    """Number, kind, schema, name and owner of each are what pg_restore says, however the bytes come."""
    raw = dumped(server, build)
    listing = subprocess.run(
        (build.folder / "bin" / "pg_restore", "--list"), input=raw, capture_output=True, check=True
    )
    told = dict(
        found.groups() for line in listing.stdout.decode().splitlines() if (found := LISTED.fullmatch(line))
    )
    found = {
        str(one.number): " ".join([one.kind, one.namespace or "-", one.name, one.owner]).replace("\n", " ")
        for one in entries(raw[at : at + 100] for at in range(0, len(raw), 100))
    }
    assert {number: found[number] for number in told} == told
    assert any('we "ird"' in line for line in told.values())


@pytest.mark.parametrize(
    ("content", "fact"),
    [
        (b"-- PostgreSQL database dump", "is no archive"),
        (b"PGDMP\x01\x63\x00\x04\x08\x01", "not known here"),
        (b"PGDMP\x01\x10\x00\x04\x08\x01\x00", "cut off"),
    ],
)
def test_other_files_are_refused(content: bytes, fact: str):
    """What is no archive, of a form of tomorrow, or cut off is said to be that."""
    with pytest.raises(Damaged, match=fact):
        list(entries([content]))
