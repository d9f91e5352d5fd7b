"""Who holds a row of the outbox: a process, named so that its successor by number is another one."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path


def owner_name() -> str:
    """The name of this process: its id and the kernel's time of its birth."""
    return _name(os.getpid())


def is_alive(owner: str) -> bool:
    """Whether the process of that name still runs."""
    pid, _, born = owner.partition("-")
    try:
        os.kill(int(pid), 0)
    except PermissionError:
        pass  # Because it is somebody else's process, and so there is one.
    except (OSError, ValueError):
        return False
    return _born(int(pid)) == born


@cache
def _name(pid: int) -> str:
    """By pid, because a forked child has a name of its own."""
    return f"{pid}-{_born(pid)}"


def _born(pid: int) -> str:
    """Ticks since boot, from proc(5); "0" where the system has no such file."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return "0"
    return stat[stat.rindex(b")") :].split()[20].decode()
