"""A caller from outside of a rootless container does not pass for the root that it has inside."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from app.production.cgroups import is_outside
from tests.production.guarded import as_root, need, own_cgroup

CONTAINER = """
    import os, socket, subprocess
    from ipaddress import ip_address
    from app.production.peer import doubt_about, peer_of
    subprocess.run(["mount", "-t", "cgroup2", "none", "/mnt"], check=True)
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    listener = socket.create_server(("127.0.0.1", 0))
    print(os.getpid(), listener.getsockname()[1], flush=True)
    for _ in range(2):
        server, (host, port) = listener.accept()
        peer = peer_of((ip_address(host), port), (ip_address(host), server.getsockname()[1]))
        print(peer.uid, doubt_about(peer, own_port=1), flush=True)
        server.close()
"""
CALL = """
    import socket, sys
    with socket.create_connection(("127.0.0.1", int(sys.argv[1]))) as connection:
        connection.recv(1)
"""
RUN = f'exec {{}} {sys.executable} -c "$0" "$@"'
ROOTLESS = "unshare --user --map-root-user --net --cgroup --mount"


def run(script: str, *arguments: str, under: str = "", first: str = "") -> subprocess.Popen[str]:
    """A Python script under another program, after a first step of the shell."""
    command = ["sh", "-c", first + RUN.format(under), textwrap.dedent(script), *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


@as_root
def test_a_caller_from_outside_the_container_may_forward_for_others():
    """Root by the kernel's word inside, but of a cgroup outside: in doubt; of the container's: none."""
    need("unshare", "nsenter", "ip", "mount")
    with own_cgroup() as cgroup:
        join = f"echo $$ > {cgroup}/cgroup.procs; "
        with run(CONTAINER, under=ROOTLESS, first=join) as container:
            begun = container.stdout.readline().split()
            if not begun:
                pytest.skip("no user namespaces here")
            pid, port = begun
            network = f"nsenter --target {pid} --net"
            with run(CALL, port, under=network):
                assert container.stdout.readline().startswith("0 the caller is outside of our container")
            with run(CALL, port, under=network, first=join):
                assert container.stdout.readline() == "0 None\n"


def test_on_a_host_nobody_is_outside():
    """Without a user namespace of our own, root is root wherever it was put."""
    if Path("/proc/self/uid_map").read_text().split() != ["0", "0", "4294967295"]:
        pytest.skip("we are in a user namespace ourselves")
    assert not is_outside(1)
    assert not is_outside(2**40)
