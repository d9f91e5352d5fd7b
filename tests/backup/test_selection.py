"""Which entries of an archive are restored."""

from __future__ import annotations

import pytest

from app.backup.selection import select, tables_of
from app.core.errors import NotFound

LISTING = """;
; Archive created at 2026-11-23 12:00:00 UTC
;
217; 1259 16385 TABLE public orders owner
218; 1259 16390 TABLE public guests owner
219; 1259 16399 TABLE crm we ird owner
3456; 0 16385 TABLE DATA public orders owner
3457; 0 16390 TABLE DATA public guests owner
3458; 0 16399 TABLE DATA crm we ird owner
3300; 2606 16400 CONSTRAINT public guests guests_pkey owner
3301; 2606 16402 FK CONSTRAINT public orders orders_guest_fkey owner
"""


def test_tables_are_those_with_rows():
    """A name with a blank in it is one name."""
    assert tables_of(LISTING) == ["public.orders", "public.guests", "crm.we ird"]


@pytest.mark.parametrize("pattern", ["orders", "public.orders", "ord*", "public.o*"])
def test_names_and_patterns(pattern: str):
    """A table is chosen by its name, with its schema before it or not, or by a shell pattern."""
    assert select(LISTING, [pattern]).tables == ("public.orders",)


def test_only_other_rows_are_left_out():
    """The schema of every table comes back, with all its constraints; rows only of the chosen ones."""
    left = set(LISTING.splitlines()) - set(select(LISTING, ["orders", "we ird"]).body.splitlines())
    assert {line.partition(" ")[0] for line in left} == {"3457;", "3301;"}


def test_foreign_keys_stand_apart():
    """Foreign keys are named as schema, table and constraint."""
    assert select(LISTING, ["orders"]).wanted_keys == ["public orders orders_guest_fkey"]


def test_unknown_table_is_named():
    """A name without a table is an error that tells which there are."""
    with pytest.raises(NotFound, match="no rows of a table 'order'") as error:
        select(LISTING, ["orders", "order"])
    assert "crm.we ird, public.guests, public.orders" in error.value.hint


def test_many_tables_are_not_all_told():
    """Of a large schema the hint names the first twenty."""
    listing = "\n".join(f"{n}; 0 1 TABLE DATA public t{n:02} owner" for n in range(25))
    with pytest.raises(NotFound) as error:
        select(listing, ["x"])
    assert "public.t19 and 5 more" in error.value.hint
