"""One run at a time on one database, whichever hosts back it up: a lock that the server itself holds.

The lock belongs to a transaction, so that it also holds behind a pool of connections, and so that the
server lets go of it when we are gone. It takes no snapshot and no row: nothing waits for it.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from ..core.errors import AtalaiaError
from .client import Client
from .model import CalledOff
from .session import Session
from .sql import literal

_LONGEST_NAME = 63
_OPENING = """
begin;
select set_config(name, '0', true) from pg_settings where name in
  ('statement_timeout', 'idle_in_transaction_session_timeout', 'transaction_timeout', 'idle_session_timeout');
select set_config('application_name', {name}, true);
"""
# The number is "atal" in ASCII, which no other program is likely to have chosen.
_TAKE = "select pg_try_advisory_xact_lock(1635017068);\n"
_WHO = """
select coalesce(nullif(application_name, ''), 'somebody') || coalesce(' (' || host(client_addr) || ')', '')
from pg_locks join pg_stat_activity using (pid)
where locktype = 'advisory' and granted and objsubid = 1 and classid = 0 and objid = 1635017068
  and pg_locks.database = (select oid from pg_database where datname = current_database());
"""


@contextmanager
def alone(client: Client) -> Iterator[None]:
    """Hold the lock of the client's database; CalledOff while another holds it, and says who that is."""
    name = f"backup by Atalaia on {socket.gethostname()}"[:_LONGEST_NAME]
    with client.psql("--file=-") as psql:
        asking = Session(psql)
        asking.ask(_OPENING.format(name=literal(name)))
        if asking.ask(_TAKE) != ["t"]:
            raise CalledOff(
                f"another run backs up this database: {_holder(asking)}",
                "Wait for its end. Hosts that share one BACKUP_DIR make one backup a day together.",
            )
        yield
        # Because what was done under the lock is done, even if the session that held it is no more.
        with suppress(AtalaiaError, BrokenPipeError):
            psql.stdin.close()
            psql.finish()


def _holder(asking: Session) -> str:
    # Because it may have ended in between, or be of a role whose sessions we may not see.
    return next(iter(asking.ask(_WHO)), "") or "the server does not tell whose it is"
