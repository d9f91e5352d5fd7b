"""The host: CPU, memory, disks and network, as much of them as the kernel allows this process."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil

from ...core.clock import rfc3339
from ...core.guard import guard
from ...core.health import Level
from ..deadline import Deadline
from ..model import Reading
from .cgroup import Allowance, Cgroup

_SHORTEST_SECONDS = 0.1
_LONGEST_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class _Counters:
    """Everything that only counts up, at one moment; rates are differences of two of these."""

    at: float
    cpu: Any
    allowance: Allowance
    disk: tuple[int, int]
    network: tuple[int, int, int]


class HostProbe:
    """Looks at the host; rates are measured since the sample before, with baselines of its own.

    `disks` are paths, also ones that are yet to be made; each file system of theirs is told once.
    """

    name = "host"
    deadline_seconds = 3.0

    def __init__(self, disks: Iterable[Path]) -> None:
        self._disks = tuple(disks)
        self._cgroup = Cgroup()
        # Because a network file system that hangs keeps whoever asks it for its size.
        self._deadline = Deadline("disks", 2.0)
        self._baseline: _Counters | None = None

    def sample(self) -> Reading:
        """cpu, memory, disk, network and boot_at; DEGRADED when the disks do not answer in time."""
        with guard("performance.host"):
            return self._measure()
        return Reading(Level.DOWN, "the check itself failed")

    def _measure(self) -> Reading:
        before = self._usable_baseline()
        now = self._baseline = _counters(self._cgroup)
        disks = self._deadline.run(lambda: Reading(details={"paths": _file_systems(self._disks)}))
        details = {
            "cpu": _cpu(before, now),
            "memory": _memory(now.allowance),
            "disk": {**_disk_rates(before, now), "paths": disks.details.get("paths", [])},
            "network": _network(before, now),
            "boot_at": rfc3339(datetime.fromtimestamp(psutil.boot_time(), UTC)),
        }
        if disks.level is not Level.OK:
            return Reading(Level.DEGRADED, f"disks: {disks.reason}", details)
        return Reading(Level.OK, details=details)

    def _usable_baseline(self) -> _Counters:
        """The last sample's, or one made now where that is too old to say anything about now."""
        if self._baseline is None or time.monotonic() - self._baseline.at > _LONGEST_SECONDS:
            self._baseline = _counters(self._cgroup)
        too_young = _SHORTEST_SECONDS - (time.monotonic() - self._baseline.at)
        if too_young > 0:
            time.sleep(too_young)
        return self._baseline


def _counters(cgroup: Cgroup) -> _Counters:
    disk = psutil.disk_io_counters()
    cards = {name: card for name, card in psutil.net_io_counters(pernic=True).items() if name != "lo"}
    return _Counters(
        at=time.monotonic(),
        cpu=psutil.cpu_times(),
        allowance=cgroup.allowance(),
        disk=(disk.read_bytes, disk.write_bytes) if disk else (0, 0),
        network=(
            sum(card.bytes_recv for card in cards.values()),
            sum(card.bytes_sent for card in cards.values()),
            sum(card.errin + card.errout + card.dropin + card.dropout for card in cards.values()),
        ),
    )


def _cpu(before: _Counters, now: _Counters) -> dict[str, Any]:
    spent = {part: getattr(now.cpu, part) - getattr(before.cpu, part) for part in now.cpu._fields}
    # Because the kernel counts a guest's time in user and nice already.
    total = sum(spent.values()) - spent.get("guest", 0.0) - spent.get("guest_nice", 0.0)
    share = {part: 100 * max(0.0, seconds) / total if total > 0 else 0.0 for part, seconds in spent.items()}
    percent, cores, limited_by = 100 - share["idle"] - share.get("iowait", 0.0), os.cpu_count() or 1, "host"
    allowed = now.allowance.cpu_cores
    if allowed is not None and allowed < cores:
        used = now.allowance.cpu_used_seconds - before.allowance.cpu_used_seconds
        percent, limited_by = 100 * used / (allowed * (now.at - before.at)), "cgroup"
    return {
        "percent": _percent(percent if total > 0 else 0.0),
        "iowait_percent": _percent(share.get("iowait", 0.0)),
        "steal_percent": _percent(share.get("steal", 0.0)),
        "cores": cores,
        "allowed_cores": allowed if limited_by == "cgroup" else cores,
        "limited_by": limited_by,
        "load": [round(load, 2) for load in os.getloadavg()],
    }


def _memory(allowance: Allowance) -> dict[str, Any]:
    host, swap = psutil.virtual_memory(), psutil.swap_memory()
    total, used, limited_by = host.total, host.total - host.available, "host"
    if allowance.memory_bytes is not None and allowance.memory_bytes < host.total:
        total, used, limited_by = allowance.memory_bytes, allowance.memory_used_bytes, "cgroup"
    return {
        "percent": _percent(100 * used / total),
        "used_bytes": used,
        "total_bytes": total,
        "limited_by": limited_by,
        "swap": {"percent": swap.percent, "used_bytes": swap.used, "total_bytes": swap.total},
    }


def _disk_rates(before: _Counters, now: _Counters) -> dict[str, Any]:
    elapsed = now.at - before.at
    return {
        "read_bytes_per_second": _rate(before.disk[0], now.disk[0], elapsed),
        "written_bytes_per_second": _rate(before.disk[1], now.disk[1], elapsed),
    }


def _network(before: _Counters, now: _Counters) -> dict[str, Any]:
    elapsed = now.at - before.at
    return {
        "received_bytes_per_second": _rate(before.network[0], now.network[0], elapsed),
        "sent_bytes_per_second": _rate(before.network[1], now.network[1], elapsed),
        "received_bytes": now.network[0],
        "sent_bytes": now.network[1],
        "errors_and_drops": now.network[2],
    }


def _file_systems(paths: Iterable[Path]) -> list[dict[str, Any]]:
    by_device = {place.stat().st_dev: place for place in map(_mount_point, paths)}
    return [_file_system(place) for place in sorted(by_device.values())]


def _file_system(path: Path) -> dict[str, Any]:
    """As df tells it: what is kept for root counts neither as used nor as free."""
    found = os.statvfs(path)
    used, free = (found.f_blocks - found.f_bfree) * found.f_frsize, found.f_bavail * found.f_frsize
    inodes = 100 * (found.f_files - found.f_ffree) / found.f_files if found.f_files else 0.0
    return {
        "path": str(path),
        "percent": _percent(100 * used / (used + free) if used + free else 0.0),
        "inodes_percent": _percent(inodes),
        "used_bytes": used,
        "free_bytes": free,
        "total_bytes": found.f_blocks * found.f_frsize,
    }


def _mount_point(path: Path) -> Path:
    """The topmost folder of the file system that the path lies on, or will lie on once it is made."""
    there = [place for place in (path.resolve(), *path.resolve().parents) if place.exists()]
    device = there[0].stat().st_dev
    return [place for place in there if place.stat().st_dev == device][-1]


def _rate(before: int, now: int, elapsed: float) -> int:
    return max(0, round((now - before) / elapsed)) if elapsed > 0 else 0


def _percent(value: float) -> float:
    return round(min(100.0, max(0.0, value)), 1)
