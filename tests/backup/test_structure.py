"""Two databases compared by what they are made of."""

from __future__ import annotations

import pytest

from app.backup.structure import differences, structure
from app.backup.toc import Entry


def entry(kind: str, name: str, definition: str = "", *, owner: str = "shop", number: int = 1) -> Entry:
    """One thing of the schema `public`; a grant is for the thing of that number."""
    needs = frozenset([number] if kind == "ACL" else [])
    return Entry(number, kind, "public", name, owner, definition, "", needs)


TABLE = entry("TABLE", "leads", "CREATE TABLE public.leads (\n    id integer\n);\n")
GRANT = entry("ACL", "TABLE leads", "GRANT SELECT ON TABLE public.leads TO a;\nGRANT ALL ON TABLE b TO b;\n")
DEFAULTS = entry("DEFAULT ACL", "DEFAULT PRIVILEGES FOR TABLES", "ALTER DEFAULT PRIVILEGES …;\n")
FIRST = [TABLE, GRANT, DEFAULTS]


def found(*second: Entry, first: list[Entry] = FIRST, same: bool = True) -> list[str]:
    """The differences between two archives."""
    return list(differences(structure(first), structure(second), same_client=same, same_server=same))


def test_order_means_nothing():
    """Neither the order of entries nor that of grants is a difference."""
    lines = reversed(GRANT.definition.splitlines())
    assert found(DEFAULTS, TABLE, GRANT._replace(definition="\n".join(lines))) == []


@pytest.mark.parametrize(
    ("second", "told"),
    [
        ([], ["table leads of public is missing", "grants are not as they were: TABLE leads of public"]),
        ([TABLE, GRANT, entry("INDEX", "i")], ["index i of public was not there"]),
        ([TABLE, GRANT, TABLE], ["there are 2 of table leads of public, not 1"]),
        ([TABLE._replace(owner="x\udcff"), GRANT], ["table leads of public belongs to x\ufffd, not to shop"]),
        ([TABLE._replace(definition="CREATE TABLE public.leads (\n    id bigint\n);\n"), GRANT], None),
        (
            [TABLE, GRANT._replace(definition="GRANT ALL ON TABLE b TO b;\n")],
            ["grants are not as they were: TABLE leads of public"],
        ),
    ],
)
def test_each_difference_is_told(second: list[Entry], told: list[str] | None):
    """What is missing, new, defined otherwise, of another owner or granted otherwise has a line."""
    assert found(*second, DEFAULTS) == (told or ["table leads of public is defined otherwise"])


def test_large_objects_are_compared():
    """Which there are, whose, and who may use them; not between releases, which tell them otherwise."""
    large = entry("BLOB METADATA", "7..9", "7\n9\n", number=5)
    grant = entry("ACL", "LARGE OBJECTS 7..9", "GRANT SELECT ON LARGE OBJECT 7 TO a;\n", number=5)
    first = [large, grant]
    assert found(*first, first=first) == []
    assert found(large._replace(owner="x"), first=first) == [
        "blob metadata 7..9 of public belongs to x, not to shop",
        "grants are not as they were: LARGE OBJECTS 7..9 of public",
    ]
    older = [entry("BLOB", "7"), grant._replace(name="LARGE OBJECT 7")]
    assert found(*older, first=first, same=False) == []


def test_default_privileges_are_grants_too():
    """What new tables will be granted belongs to it."""
    told = ["grants are not as they were: default acl DEFAULT PRIVILEGES FOR TABLES of public"]
    assert found(TABLE, GRANT) == told


def test_casts_that_postgresql_moves_are_none():
    """`IN` on a varchar is written with other casts once it has been read again: that is no difference."""
    before = "CHECK (((a)::text = ANY ((ARRAY['x'::character varying, 'y'::character varying])::text[])))"
    after = (
        "CHECK (((a)::text = ANY (ARRAY[('x'::character varying)::text, ('y'::character varying)::text])))"
    )
    first = [entry("CHECK CONSTRAINT", "c", before)]
    assert found(entry("CHECK CONSTRAINT", "c", after), first=first) == []
    assert found(entry("CHECK CONSTRAINT", "c", after.replace("'y'", "'z'")), first=first) != []


def test_other_versions_are_compared_by_names():
    """Other releases spell definitions otherwise and have other kinds of entries: names and rights remain."""
    spelled = TABLE._replace(definition="CREATE TABLE leads (id int4);\n")
    assert found(spelled, GRANT, DEFAULTS, entry("SHELL TYPE", "t"), same=False) == []
    assert found(GRANT, DEFAULTS, same=False)[0] == "table leads of public is missing"


def test_what_is_not_restored_is_not_missed():
    """Rows, publications and the like, and what extensions grant, are not compared."""
    others = [
        entry("TABLE DATA", "leads"),
        entry("PUBLICATION TABLE", "p leads"),
        entry("COMMENT", "EXTENSION vector"),
        entry("ACL", "FUNCTION of_an_extension()", number=99),
    ]
    assert found(*FIRST, first=[*FIRST, *others]) == []
