"""Whether a process is outside of the container that we run in, which its uid alone does not tell.

A rootless container runtime hands connections from outside on over the container's own loopback, by a
program whose uid is root's inside of the container (pasta, rootlesskit). Its cgroup gives it away.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

_SELF = Path("/proc/self")
_EVERY_UID = ["0", "0", "4294967295"]


def is_outside(cgroup: int) -> bool:
    """Whether the cgroup of this id is certainly not one of our container's.

    Certain only in a user namespace that has its own view of the cgroups (version 2). OSError as of /proc.
    """
    if (_SELF / "uid_map").read_text().split() == _EVERY_UID:
        return False
    inside = {os.fstat(folder).st_ino for mount in _own_mounts() for *_, folder in os.fwalk(mount)}
    return bool(inside) and cgroup not in inside


def _own_mounts() -> Iterator[str]:
    """Where the cgroups are mounted from the root of our own cgroup namespace downwards."""
    for line in (_SELF / "mountinfo").read_text().splitlines():
        mount, _, file_system = line.partition(" - ")
        root, place = mount.split()[3:5]
        if file_system.startswith("cgroup2 ") and root == "/":
            yield place
