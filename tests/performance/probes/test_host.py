from __future__ import annotations

import os
import time
from pathlib import Path

import psutil
import pytest

from app.core.health import Level
from app.performance.probes.host import HostProbe


def test_cpu_is_measured_since_the_sample_before(tmp_path: Path) -> None:
    """A thread that computes for the whole time is seen, and waiting is not waited for in the loop."""
    probe = HostProbe([tmp_path])
    probe.sample()
    end = time.monotonic() + 0.5
    while time.monotonic() < end:
        sum(range(1_000))
    busy = probe.sample().details["cpu"]
    assert busy["percent"] >= 0.5 * 100 / busy["cores"]


def test_the_first_sample_has_numbers_too(tmp_path: Path) -> None:
    """It makes its own baseline a tenth of a second earlier."""
    began = time.monotonic()
    cpu = HostProbe([tmp_path]).sample().details["cpu"]
    assert 0 <= cpu["percent"] <= 100
    assert len(cpu["load"]) == 3
    assert 0.09 <= time.monotonic() - began < 3


def test_baselines_are_its_own(tmp_path: Path) -> None:
    """Somebody else's psutil.cpu_percent() does not spoil them."""
    probe = HostProbe([tmp_path])
    probe.sample()
    before = probe._baseline
    psutil.cpu_percent()
    assert probe._baseline is before


def test_memory_is_within_what_there_is(tmp_path: Path) -> None:
    """Used and total of the host, or of the group where that has less."""
    memory = HostProbe([tmp_path]).sample().details["memory"]
    assert 0 < memory["used_bytes"] <= memory["total_bytes"] <= psutil.virtual_memory().total
    assert memory["percent"] == pytest.approx(100 * memory["used_bytes"] / memory["total_bytes"], abs=0.1)


def test_each_file_system_is_told_once(tmp_path: Path) -> None:
    """By its mount point, whichever folders of it are named, also ones that are yet to be made."""
    paths = [tmp_path, tmp_path / "logs" / "performance", tmp_path.parent]
    (disk,) = HostProbe(paths).sample().details["disk"]["paths"]
    assert tmp_path.is_relative_to(disk["path"])
    assert Path(disk["path"]).is_mount()


def test_space_is_told_as_df_tells_it(tmp_path: Path) -> None:
    """psutil asks the same."""
    (disk,) = HostProbe([tmp_path]).sample().details["disk"]["paths"]
    assert disk["percent"] == pytest.approx(psutil.disk_usage(str(tmp_path)).percent, abs=0.5)
    assert disk["total_bytes"] == os.statvfs(tmp_path).f_blocks * os.statvfs(tmp_path).f_frsize


def test_rates_are_never_negative(tmp_path: Path) -> None:
    """Counters that begin anew are no negative traffic."""
    probe = HostProbe([tmp_path])
    for _ in range(2):
        details = probe.sample().details
        assert min(details["network"].values()) >= 0
        assert details["disk"]["written_bytes_per_second"] >= 0


def test_everything_is_measured(tmp_path: Path) -> None:
    """On the machine the tests run on."""
    reading = HostProbe([tmp_path]).sample()
    assert (reading.level, reading.reason) == (Level.OK, "")
    assert reading.details.keys() == {"cpu", "memory", "disk", "network", "boot_at"}
