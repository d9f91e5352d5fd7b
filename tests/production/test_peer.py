"""The kernel says whose the other end of a connection is, and nothing where that could be a lie."""

from __future__ import annotations

import os
import platform
import socket
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from app.production import proc_net, sock_diag
from app.production.peer import Peer, doubt_about, peer_of
from tests.production.guarded import STRANGER, as_root, endpoint, own_cgroup, own_peer

LOOPBACKS = ["127.0.0.1", "::1", "::ffff:127.0.0.1"]
LOOK_UPS = [sock_diag.connection, proc_net.connection]


@contextmanager
def connected(host: str = "127.0.0.1") -> Iterator[tuple[socket.socket, socket.socket]]:
    """Both ends of a new connection: the client's and the server's."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    if family == socket.AF_INET6 and not Path("/proc/net/if_inet6").exists():
        pytest.skip("no IPv6 here")
    with socket.socket(family) as listener, socket.socket(family) as client:
        listener.bind((host, 0))
        listener.listen()
        client.connect(listener.getsockname())
        server, _ = listener.accept()
        with server:
            yield client, server


@pytest.mark.parametrize("host", LOOPBACKS)
@pytest.mark.parametrize("look_up", LOOK_UPS)
def test_both_look_ups_find_the_clients_end(look_up, host):
    """Over IPv4, IPv6 and IPv4 in IPv6 both tell the state, uid and inode of the client's end."""
    with connected(host) as (client, _):
        found = look_up(endpoint(client.getsockname()), endpoint(client.getpeername()))
        assert (found.state, found.uid, found.inode) == (1, os.geteuid(), os.fstat(client.fileno()).st_ino)


@as_root
@pytest.mark.parametrize("host", LOOPBACKS)
@pytest.mark.parametrize("look_up", LOOK_UPS)
def test_the_owner_is_whose_socket_it_is(look_up, host):
    """The uid is that of the client's socket, not that of the server's."""
    with connected(host) as (client, _):
        os.fchown(client.fileno(), STRANGER, STRANGER)
        assert look_up(endpoint(client.getsockname()), endpoint(client.getpeername())).uid == STRANGER


def test_a_client_in_ipv4_is_found_by_a_server_in_ipv6():
    """A server that listens on [::] knows its IPv4 client as ::ffff:127.0.0.1, and that is the same end."""
    with (
        socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True) as listener,
        socket.create_connection(("127.0.0.1", listener.getsockname()[1])) as client,
    ):
        server, address = listener.accept()
        with server:
            assert address[0] == "::ffff:127.0.0.1"
            found = peer_of(endpoint(address), endpoint(server.getsockname()))
            assert found.inode == os.fstat(client.fileno()).st_ino


def test_a_closed_end_is_nobodys():
    """A client that has closed is nobody, although the kernel reports uid 0 for what is left of it."""
    with connected() as (client, server):
        ends = endpoint(client.getsockname()), endpoint(client.getpeername())
        client.close()
        assert peer_of(*ends) is None
        for look_up in LOOK_UPS:
            assert look_up(*ends).inode == 0
        server.close()
        assert peer_of(*ends) is None


def test_a_half_closed_end_is_nobodys():
    """A client that will send nothing more is nobody: it may be gone before the answer."""
    with connected() as (client, _):
        client.shutdown(socket.SHUT_WR)
        assert own_peer(client) is None


def test_a_reset_connection_is_nobodys():
    """After a reset neither look-up finds anything."""
    with connected() as (client, _):
        ends = endpoint(client.getsockname()), endpoint(client.getpeername())
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        client.close()
        assert [look_up(*ends) for look_up in LOOK_UPS] == [None, None]
        assert peer_of(*ends) is None


def test_a_listening_port_is_no_client():
    """A forged client address that is a listening port's names nobody, though the kernel finds its socket."""
    with socket.create_server(("127.0.0.1", 0)) as forged, connected() as (_, server):
        assert peer_of(endpoint(forged.getsockname()), endpoint(server.getsockname())) is None


def test_somebody_elses_connection_is_no_client_of_ours():
    """A forged client address that is connected, but not to us, names nobody."""
    with connected() as (stranger, _), connected() as (_, server):
        assert peer_of(endpoint(stranger.getsockname()), endpoint(server.getsockname())) is None


def test_two_kinds_of_address_are_never_connected():
    """An IPv4 and an IPv6 address as the two ends name nobody."""
    with connected() as (client, server):
        name = ("::1", server.getsockname()[1])
        assert peer_of(endpoint(client.getsockname()), endpoint(name)) is None
        assert peer_of(endpoint(name), endpoint(client.getsockname())) is None


WITHOUT_NETLINK = """
    import ctypes, errno, socket, struct, sys
    from ipaddress import ip_address
    from app.production.peer import peer_of

    SOCKET_CALL = int(sys.argv[1])
    LOAD, EQUAL, RETURN = 0x20, 0x15, 0x06
    steps = [(LOAD, 0, 0, 0), (EQUAL, 0, 3, SOCKET_CALL), (LOAD, 0, 0, 16), (EQUAL, 0, 1, socket.AF_NETLINK),
             (RETURN, 0, 0, 0x50000 | errno.EAFNOSUPPORT), (RETURN, 0, 0, 0x7FFF0000)]
    program = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *step) for step in steps))
    filter = struct.pack("@HP", len(steps), ctypes.addressof(program))
    libc = ctypes.CDLL(None)
    assert libc.prctl(38, 1, 0, 0, 0) == 0 and libc.prctl(22, 2, filter) == 0
    try:
        socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 4)
    except OSError:
        print("no netlink")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        with socket.create_connection(listener.getsockname()) as client:
            (host, port), (_, own_port) = client.getsockname(), listener.getsockname()
            ends = (ip_address(host), port), (ip_address(host), own_port)
            print(peer_of(*ends))
        print(peer_of(*ends))
"""


def test_without_netlink_the_answer_comes_from_proc():
    """In a sandbox that forbids netlink the look-up still tells the owner, and nobody once it is closed."""
    number = {"x86_64": "41", "aarch64": "198"}.get(platform.machine())
    if number is None:
        pytest.skip("the number of the system call is not known")
    said = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(WITHOUT_NETLINK), number],
        capture_output=True, text=True, check=False, timeout=20,
    )  # fmt: skip
    lines = said.stdout.splitlines()
    assert lines[0] == "no netlink", said.stderr
    assert lines[1].startswith(f"Peer(uid={os.geteuid()}, inode=")
    assert lines[1].endswith("cgroup=None)")
    assert lines[2] == "None"


LISTENING_CALLER = """
    import socket, sys
    listener = socket.create_server((sys.argv[2], 0))
    caller = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
    print(listener.getsockname()[1], flush=True)
    sys.stdin.read()
"""


@contextmanager
def caller_that_listens_on(host: str, cgroup: Path) -> Iterator[tuple[Peer, int]]:
    """A process in a cgroup of its own that listens on `host` and calls us: as we see it, and its port."""
    script = f'echo $$ > {cgroup}/cgroup.procs && exec {sys.executable} -c "$0" "$@"'
    with socket.create_server(("127.0.0.1", 0)) as listener:
        own_port = str(listener.getsockname()[1])
        with subprocess.Popen(
            ["sh", "-c", script, textwrap.dedent(LISTENING_CALLER), own_port, host],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        ) as caller:  # fmt: skip
            port = int(caller.stdout.readline())
            server, address = listener.accept()
            with server:
                yield peer_of(endpoint(address), endpoint(server.getsockname())), port
            caller.stdin.close()


def test_a_caller_whose_cgroup_serves_other_machines_may_be_a_proxy():
    """Uid and cgroup of the caller listen on 0.0.0.0, not on our port: doubt, which names the port."""
    with own_cgroup() as cgroup, caller_that_listens_on("0.0.0.0", cgroup) as (peer, port):
        assert f"port {port}" in doubt_about(peer, own_port=1)
        assert doubt_about(peer, own_port=port) is None
        assert doubt_about(Peer(STRANGER, peer.inode, peer.cgroup), own_port=1) is None


def test_a_caller_whose_cgroup_serves_only_this_machine_is_no_proxy():
    """Listening on loopback raises no doubt."""
    with own_cgroup() as cgroup, caller_that_listens_on("127.0.0.1", cgroup) as (peer, _):
        assert peer.cgroup == cgroup.stat().st_ino
        assert doubt_about(peer, own_port=1) is None


def test_in_the_root_cgroup_nothing_is_told():
    """Where nothing was put into cgroups everything would look like a proxy, so nothing does."""
    with socket.create_server(("0.0.0.0", 0)):
        assert doubt_about(Peer(os.geteuid(), 7, cgroup=1), own_port=1) is None
        assert doubt_about(Peer(os.geteuid(), 7, cgroup=None), own_port=1) is None
