from __future__ import annotations

from pathlib import Path

import pytest

from app.performance.probes.cgroup import Allowance, Cgroup

GIB = 1 << 30


class Kernel:
    """A cgroup file system and a membership file, as the kernel shows them."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "cgroup"
        self.membership = folder / "membership"
        self.root.mkdir()

    def member_of(self, *lines: str) -> None:
        self.membership.write_text("\n".join(lines) + "\n")

    def says(self, group: str, **files: object) -> None:
        folder = self.root / group
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            (folder / name.replace("__", ".")).write_text(f"{content}\n")

    def allowance(self) -> Allowance:
        return Cgroup(self.root, self.membership).allowance()


@pytest.fixture
def kernel(tmp_path: Path) -> Kernel:
    return Kernel(tmp_path)


def test_version_2_in_a_container(kernel: Kernel) -> None:
    """The root is the container's own group; idle file pages do not count as used."""
    kernel.member_of("0::/")
    kernel.says("", memory__max=GIB, memory__current=GIB // 2, memory__stat=f"inactive_file {GIB // 4}")
    kernel.says("", cpu__max="150000 100000", cpu__stat="usage_usec 2500000\nuser_usec 1")
    assert kernel.allowance() == Allowance(GIB, GIB // 4, 1.5, 2.5)


def test_version_2_of_a_service(kernel: Kernel) -> None:
    """The nearest group has no limit, the one above it has."""
    kernel.member_of("0::/app.slice/web.service")
    kernel.says("app.slice/web.service", memory__max="max", memory__current=1, cpu__max="max 100000")
    kernel.says("app.slice", memory__max=2 * GIB, memory__current=GIB)
    assert kernel.allowance() == Allowance(memory_bytes=2 * GIB, memory_used_bytes=GIB)


def test_the_smallest_limit_counts(kernel: Kernel) -> None:
    """Of a group and those above it."""
    kernel.member_of("0::/a/b")
    kernel.says("a/b", memory__max=2 * GIB, memory__current=1)
    kernel.says("a", memory__max=GIB, memory__current=2)
    assert kernel.allowance().memory_bytes == GIB


def test_version_1(kernel: Kernel) -> None:
    """A folder for each controller, and other names for everything."""
    kernel.member_of("4:memory:/web", "2:cpu,cpuacct:/web", "0::/")
    kernel.says("memory/web", memory__limit_in_bytes=GIB, memory__usage_in_bytes=GIB // 2)
    kernel.says("memory/web", memory__stat=f"total_inactive_file {GIB // 8}")
    kernel.says("cpu/web", cpu__cfs_quota_us=50_000, cpu__cfs_period_us=100_000)
    kernel.says("cpuacct/web", cpuacct__usage=3_000_000_000)
    assert kernel.allowance() == Allowance(GIB, GIB * 3 // 8, 0.5, 3.0)


def test_version_1_without_limits(kernel: Kernel) -> None:
    """It says so with the largest number it has, and with -1."""
    kernel.member_of("4:memory:/", "1:cpu:/")
    kernel.says("memory", memory__limit_in_bytes=9223372036854771712)
    kernel.says("cpu", cpu__cfs_quota_us=-1, cpu__cfs_period_us=100_000)
    assert kernel.allowance() == Allowance()


def test_a_group_that_is_not_mounted_here(kernel: Kernel) -> None:
    """In a container without its own namespace the path is the host's, and the root is ours."""
    kernel.member_of("0::/docker/4711")
    kernel.says("", memory__max=GIB, memory__current=7)
    assert kernel.allowance().memory_bytes == GIB


def test_no_cgroups_at_all(kernel: Kernel) -> None:
    """Nothing is limited."""
    assert kernel.allowance() == Allowance()


def test_this_machine_can_be_read() -> None:
    """Whatever it is."""
    allowance = Cgroup().allowance()
    assert allowance.memory_bytes is None or allowance.memory_bytes > 0
