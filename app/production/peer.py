"""Who owns the other end of a loopback connection, by the kernel's word (as PostgreSQL's `peer` does)."""

from __future__ import annotations

from dataclasses import dataclass

from . import proc_net, sock_diag
from .cgroups import is_outside
from .sock_diag import ESTABLISHED, Endpoint

_ROOT_CGROUP = 1


@dataclass(frozen=True, slots=True)
class Peer:
    """Whose socket it is: the uid as seen from our user namespace, the inode, the cgroup where known."""

    uid: int
    inode: int
    cgroup: int | None = None


def peer_of(client: Endpoint, server: Endpoint) -> Peer | None:
    """The owner of the client's end of an established connection, None when there is none or in doubt.

    Synchronous on purpose: whoever awaits between the request and this look-up gives the client time to
    close, and its port to somebody else. Blocks 0.02 ms, or 2 to 33 ms where there is no netlink.
    """
    try:
        found = sock_diag.connection(client, server)
    except OSError:
        found = proc_net.connection(client, server)
    # Because the kernel reports uid 0 and inode 0 for sockets that are closed or waiting to be.
    if found is None or found.state != ESTABLISHED or found.inode == 0:
        return None
    return Peer(found.uid, found.inode, found.cgroup)


def doubt_about(peer: Peer, own_port: int) -> str | None:
    """Why a peer may speak for others: it is not in our container, or its cgroup serves other machines too.

    Nothing can be told without cgroups of version 2, and of proxies nothing in the root cgroup, where
    everything lives together that nobody has put elsewhere. OSError where the kernel cannot be asked.
    """
    if peer.cgroup is None:
        return None
    if is_outside(peer.cgroup):
        return "the caller is outside of our container and may be forwarding for others"
    if peer.cgroup == _ROOT_CGROUP:
        return None
    for listener in sock_diag.listeners():
        address, port = listener.local
        same = (listener.uid, listener.cgroup) == (peer.uid, peer.cgroup)
        if same and port != own_port and not address.is_loopback:
            return f"the caller may be a proxy, as its cgroup listens on port {port} for other machines"
    return None
