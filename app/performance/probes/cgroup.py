"""What the kernel allows this process: the limits of its cgroup, version 1 or 2, and what is used of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_CGROUPS = Path("/sys/fs/cgroup")
_MEMBERSHIP = Path("/proc/self/cgroup")
_NO_LIMIT_BYTES = 1 << 60  # Because version 1 says "no limit" by a number as large as it can.


@dataclass(frozen=True, slots=True)
class Allowance:
    """Limits of the nearest group that has one (None: no limit), and what this group has used so far."""

    memory_bytes: int | None = None
    memory_used_bytes: int = 0
    cpu_cores: float | None = None
    cpu_used_seconds: float = 0.0


class Cgroup:
    """The groups that this process is in, found once, because a process stays where it was put."""

    def __init__(self, cgroups: Path = _CGROUPS, membership: Path = _MEMBERSHIP) -> None:
        groups = dict(_groups(_text(membership).splitlines()))
        self._memory = _folders(cgroups, "memory", groups)
        self._cpu = _folders(cgroups, "cpu", groups)
        self._accounts = _folders(cgroups, "cpuacct", groups)

    def allowance(self) -> Allowance:
        """As of now; without cgroups one that has no limit."""
        return Allowance(*_memory(self._memory), *_cpu(self._cpu, self._accounts))


def _groups(lines: list[str]) -> Iterator[tuple[str, str]]:
    """Controller → path; version 2 has one path for all, under the empty name."""
    for line in lines:
        _, controllers, path = line.split(":", 2)
        for controller in controllers.split(","):
            yield controller, path


def _folders(cgroups: Path, controller: str, groups: dict[str, str]) -> list[Path]:
    """The group of this process and those above it, nearest first; inside a container only the root."""
    if controller in groups and (cgroups / controller).is_dir():
        root, path = cgroups / controller, groups[controller]
    else:
        root, path = cgroups, groups.get("", "/")
    group = root / path.lstrip("/")
    if not group.is_dir():
        return [root]
    return [group, *(above for above in group.parents if above.is_relative_to(root))]


def _memory(folders: list[Path]) -> tuple[int | None, int]:
    limits = [(limit, folder) for folder in folders if (limit := _memory_limit(folder)) is not None]
    if not limits:
        return None, 0
    limit, folder = min(limits, key=lambda found: found[0])
    used = _number(folder / "memory.current") or _number(folder / "memory.usage_in_bytes") or 0
    statistics = _table(folder / "memory.stat")
    # Because the kernel gives file pages that nobody used lately back before it kills anything.
    idle = statistics.get("total_inactive_file", statistics.get("inactive_file", 0))
    return limit, max(0, used - idle)


def _memory_limit(folder: Path) -> int | None:
    limit = _number(folder / "memory.max") or _number(folder / "memory.limit_in_bytes")
    return limit if limit and limit < _NO_LIMIT_BYTES else None


def _cpu(folders: list[Path], accounts: list[Path]) -> tuple[float | None, float]:
    limits = [(cores, place) for place, folder in enumerate(folders) if (cores := _cores(folder))]
    if not limits:
        return None, 0.0
    cores, place = min(limits)
    microseconds = _table(folders[place] / "cpu.stat").get("usage_usec")
    if microseconds is not None:
        return cores, microseconds / 1e6
    return cores, (_number(accounts[min(place, len(accounts) - 1)] / "cpuacct.usage") or 0) / 1e9


def _cores(folder: Path) -> float | None:
    quota, _, period = _text(folder / "cpu.max").partition(" ")
    if not quota:
        quota, period = _text(folder / "cpu.cfs_quota_us"), _text(folder / "cpu.cfs_period_us")
    if quota.isdigit() and period.isdigit() and int(period):
        return int(quota) / int(period)
    return None


def _table(file: Path) -> dict[str, int]:
    pairs = (line.split() for line in _text(file).splitlines())
    return {pair[0]: int(pair[1]) for pair in pairs if len(pair) == 2 and pair[1].isdigit()}


def _number(file: Path) -> int | None:
    text = _text(file)
    return int(text) if text.isdigit() else None


def _text(file: Path) -> str:
    try:
        return file.read_text().strip()
    except OSError:
        return ""
