"""What a server was at one place of its log, compared with what came back."""

from __future__ import annotations

from dataclasses import replace

from app.backup.pgbackrest.moment import Moment, merged
from app.backup.truth import Rows, Truth

SHOP = Truth(
    "record", {"public.orders": Rows(3, "17")}, {"public.ids": ("3", "35")}, Rows(1, "5"), {"tables": 1}
)
CRM = Truth("record", {"public.orders": Rows(2, "11")}, {}, Rows(0, "0"), {"tables": 1})
WHOLE = merged({"shop": SHOP, "crm": CRM})
NAMES = ["crm", "shop"]
MOMENT = Moment("0/3000000", "740:740:", 12, "postgres", WHOLE, ("crm", "shop"), {}, ("shop.public.visits",))


def test_databases_are_told_together():
    """Tables of one name in two databases are two, and what is counted is added up."""
    assert WHOLE.tables == {"shop.public.orders": Rows(3, "17"), "crm.public.orders": Rows(2, "11")}
    assert WHOLE.counts == {"tables": 2}
    assert WHOLE.large_objects == Rows(1, "5")


def test_what_came_back_is_equal():
    """What is not logged is empty in it and no difference; a sequence may have run ahead."""
    found = merged({"shop": replace(SHOP, sequences={"public.ids": ("35", "35")}), "crm": CRM})
    tables = {**found.tables, "shop.public.visits": Rows(0, "0")}
    assert MOMENT.differences(replace(found, tables=tables), NAMES) == []


def test_what_is_otherwise_is_told_with_its_database():
    """A changed table is named with the database that it is in."""
    found = merged({"shop": SHOP, "crm": replace(CRM, tables={"public.orders": Rows(1, "11")})})
    assert MOMENT.differences(found, NAMES) == ["table crm.public.orders has 1 rows, not 2"]


def test_a_database_that_is_gone_is_told():
    """Instead of each of its tables."""
    assert MOMENT.differences(merged({"shop": SHOP}), ["shop"]) == ["the database crm is missing"]


def test_one_that_could_not_be_read_has_to_be_there_all_the_same():
    """Nothing in it is compared, and that it is missing is a difference."""
    moment = replace(MOMENT, databases=(*NAMES, "files"), unread={"files": "permission denied"})
    assert moment.differences(WHOLE, [*NAMES, "files"]) == []
    assert moment.differences(WHOLE, NAMES) == ["the database files is missing"]
