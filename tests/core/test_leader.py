"""Exactly one process of a host leads, and its death hands over."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from app.core.leader import Leader
from app.testing import wait_until

CANDIDATE = """
import sys, time
from pathlib import Path
from app.core.leader import Leader
leader = Leader(Path(sys.argv[1])); leader.start()
print("leads" if leader.is_leader else "follows", flush=True)
time.sleep(60)
"""


def candidate(path: Path) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-c", CANDIDATE, str(path)], stdout=subprocess.PIPE, text=True)


def end(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.wait()
    process.stdout.close()


def test_a_second_candidate_follows_until_the_leader_is_killed(tmp_path: Path) -> None:
    """SIGKILL of the leader makes a waiting candidate lead within seconds."""
    other = candidate(tmp_path / "lock")
    assert other.stdout.readline() == "leads\n"
    ours = Leader(tmp_path / "lock")
    ours.start()
    assert not ours.is_leader
    assert ours.holder() == other.pid
    end(other)
    wait_until(lambda: ours.is_leader, what="the hand-over", deadline=3)
    ours.stop()


def test_a_stopped_leader_keeps_the_lock(tmp_path: Path) -> None:
    """A leader paused by SIGSTOP still leads when it wakes: nobody took over meanwhile."""
    other = candidate(tmp_path / "lock")
    assert other.stdout.readline() == "leads\n"
    os.kill(other.pid, signal.SIGSTOP)
    ours = Leader(tmp_path / "lock")
    ours.start()
    assert not ours.is_leader
    os.kill(other.pid, signal.SIGCONT)
    end(other)
    wait_until(lambda: ours.is_leader, what="the hand-over", deadline=3)
    ours.stop()


def test_a_forked_child_does_not_lead(tmp_path: Path) -> None:
    """A child made by fork neither leads nor keeps the lock of its parent."""
    leader = Leader(tmp_path / "lock")
    leader.start()
    if (pid := os.fork()) == 0:
        os._exit(1 if leader.is_leader else 0)
    assert os.waitpid(pid, 0)[1] == 0
    assert leader.is_leader
    leader.stop()


def test_stop_hands_over(tmp_path: Path) -> None:
    """stop() lets the next candidate lead at once."""
    first, second = Leader(tmp_path / "lock"), Leader(tmp_path / "lock")
    first.start()
    first.stop()
    second.start()
    assert second.is_leader
    second.stop()
