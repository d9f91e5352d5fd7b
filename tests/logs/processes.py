"""Child processes of a test: forked, and waited for."""

from __future__ import annotations

import os
import resource
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager


def in_child(work: Callable[[], object]) -> None:
    """Run work in a forked process; AssertionError when it fails there."""
    wait_for(fork(work))


def fork(work: Callable[[], object]) -> int:
    """Begin work in a forked process; its process id."""
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            work()
            status = 0
        except BaseException:  # noqa: BLE001 because a child must not come back as a second pytest
            traceback.print_exc()
        finally:
            os._exit(status)
    return pid


def wait_for(*pids: int) -> None:
    for pid in pids:
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0, f"process {pid} failed"


@contextmanager
def files_limited_to(size_bytes: int) -> Iterator[None]:
    """No file of this process can grow beyond the limit, as on a full disk; half written lines included."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
