"""The connection that a request came over, as the kernel knows it now; ASGI tells what it once was."""

from __future__ import annotations

from starlette.types import Receive


def peer_name(receive: Receive) -> tuple[str, int] | None:
    """Host and port of the other end, whatever proxy headers say; None once the connection has gone.

    None as well over a Unix socket, and where it is out of sight: uvicorn's `receive` belongs to the
    request's cycle, which keeps its transport; that of other servers, and one that is wrapped, does not.
    """
    transport = getattr(getattr(receive, "__self__", None), "transport", None)
    extra_info = getattr(transport, "get_extra_info", None)
    socket = extra_info("socket") if extra_info else None
    try:
        name = socket.getpeername() if socket else None
    except OSError:
        return None
    return (name[0], name[1]) if isinstance(name, tuple) else None
