from __future__ import annotations

import gc
import mmap
import os
import resource
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from app.performance.probes.process import ProcessProbe


def sampled() -> dict[str, Any]:
    return dict(ProcessProbe().sample().details)


def test_it_tells_who_it_is() -> None:
    """Process id, when it began, and what it may open."""
    details = sampled()
    assert details["pid"] == os.getpid()
    assert details["open_files_limit"] == resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    assert details["uptime_seconds"] >= 0


def test_memory_is_what_is_resident() -> None:
    """Ten megabytes more are seen."""
    before = sampled()["rss_bytes"]
    # Because a large object may come from memory that is resident already, pages are asked for anew.
    with mmap.mmap(-1, 10 << 20) as ballast:
        ballast.write(os.urandom(10 << 20))
        assert sampled()["rss_bytes"] - before > 8 << 20


def test_cpu_is_of_one_core() -> None:
    """A thread that computes all the time is about a hundred percent, or less on a busy machine."""
    probe = ProcessProbe()
    end = time.process_time() + 0.2
    while time.process_time() < end:
        sum(range(1_000))
    assert 5 < probe.sample().details["cpu_percent"] < 150


def test_threads_and_files_are_counted(tmp_path: Path) -> None:
    """One more of each is one more."""
    before, release = sampled(), threading.Event()
    thread = threading.Thread(target=release.wait)
    thread.start()
    with (tmp_path / "file").open("w"):
        after = sampled()
    release.set()
    thread.join()
    assert after["threads"] - before["threads"] == 1
    assert after["open_files"] - before["open_files"] == 1


def test_no_file_left_is_no_reason_to_fail() -> None:
    """It takes a file to count files; without one the rest is still told."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    probe = ProcessProbe()
    resource.setrlimit(resource.RLIMIT_NOFILE, (1, hard))
    try:
        details = probe.sample().details
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert (details["open_files"], details["open_files_limit"]) == (None, 1)
    assert details["rss_bytes"] > 0


@pytest.mark.parametrize("generation", [0, 1, 2])
def test_collections_are_counted(generation: int) -> None:
    """Per generation."""
    before = sampled()["gc_collections"][generation]
    gc.collect(generation)
    assert sampled()["gc_collections"][generation] > before
