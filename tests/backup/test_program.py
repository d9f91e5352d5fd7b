"""Programs that are started, ended and left."""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path

import pytest

from app.backup.program import Program, sweep_pass_files
from app.core.errors import AtalaiaError, Unavailable


def shell(script: str, *, seconds: float = 30, password: str = "") -> Program:
    """A shell that runs a script."""
    return Program(["/bin/sh", "-c", script], password=password, seconds=seconds)


def finished(program: Program) -> bytes:
    """What a program writes before it ends well."""
    try:
        told = program.stdout.read()
        program.finish()
    finally:
        program.close()
    return told


def test_environment_holds_no_secret_and_nothing_of_ours(monkeypatch: pytest.MonkeyPatch):
    """A program is told where its pass file is, and nothing of our own environment."""
    monkeypatch.setenv("CANARY", "canary")
    told = finished(shell("env", password="canary-password"))
    assert b"PGPASSFILE=" in told
    assert b"canary" not in told


def test_pass_file_is_private_and_escaped():
    """The pass file can be read by its owner only, and colons and backslashes in it are escaped."""
    told = finished(shell("stat -c %a $PGPASSFILE; cat $PGPASSFILE", password="a:b\\c"))
    assert told == b"600\n*:*:*:*:a\\:b\\\\c\n"


def test_deadline_ends_even_what_does_not_listen():
    """A program that ignores being asked is made to end, and said to have been too late."""
    program = shell("trap '' TERM; while :; do :; done", seconds=0.1)
    with pytest.raises(Unavailable, match="when its time was over"):
        finished(program)


def test_leaving_ends_it():
    """A program that is left in the middle does not go on, and its password is removed."""
    program = shell("echo $$ $PGPASSFILE; exec sleep 60", password="x")
    pid, pass_file = program.stdout.readline().split()
    program.close()
    assert not Path(f"/proc/{int(pid)}").exists()
    assert not Path(os.fsdecode(pass_file)).exists()


def test_failure_is_told_without_the_password():
    """What a failing program writes to stderr is its complaint, with the password taken out."""
    with pytest.raises(AtalaiaError) as failed:
        finished(shell("echo 'error: canary is wrong' >&2; exit 3", password="canary"))
    assert failed.value.fact == "sh failed: error: *** is wrong"


def test_program_that_is_not_there_leaves_nothing():
    """Where a program cannot be started, no pass file is left."""
    with pytest.raises(FileNotFoundError):
        Program(["/nonexistent/psql"], password="x", seconds=1)
    assert list(Path(tempfile.gettempdir()).glob(f"atalaia-pgpass-{os.getpid()}-*")) == []


def test_pass_files_of_the_dead_are_swept():
    """Pass files of processes that are gone are removed, those of the living are left."""
    gone = subprocess.Popen(["/bin/true"])
    gone.wait()
    dead = Path(tempfile.mkdtemp(prefix=f"atalaia-pgpass-{gone.pid}-"))
    living = Path(tempfile.mkdtemp(prefix=f"atalaia-pgpass-{os.getpid()}-"))
    sweep_pass_files()
    assert not dead.exists()
    living.rmdir()
