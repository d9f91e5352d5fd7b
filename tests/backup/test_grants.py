"""Owners and grants as statements."""

from __future__ import annotations

import pytest

from app.backup.grants import rights
from app.backup.toc import Entry


def entry(kind: str, name: str, definition: str = "", *, owner: str = "shop", drop: str = "") -> Entry:
    """One thing of an archive."""
    return Entry(1, kind, "public", name, owner, definition, drop, frozenset())


def test_roles_come_first_then_owners_then_grants():
    """Tables go before what belongs to them; whoever is named is made first."""
    told = rights(
        [
            entry("ACL", "TABLE leads", 'GRANT SELECT ON TABLE public.leads TO "Ana B";\n'),
            entry("SEQUENCE", "ids"),
            entry("TABLE", 'le"ads', owner="boss"),
            entry("FUNCTION", "f(integer)", drop="DROP FUNCTION public.f(integer);\n"),
            entry("INDEX", "i", owner="nobody"),
        ]
    )
    assert list(told) == [
        'create role "Ana B";',
        'create role "boss";',
        'create role "shop";',
        'alter TABLE "public"."le""ads" owner to "boss";',
        'alter SEQUENCE "public"."ids" owner to "shop";',
        'alter FUNCTION public.f(integer) owner to "shop";',
        'GRANT SELECT ON TABLE public.leads TO "Ana B";\n',
    ]


@pytest.mark.parametrize(
    "large", [("BLOB", "7", "SELECT pg_catalog.lo_create('7');\n"), ("BLOB METADATA", "7..9", "7\n9\n")]
)
def test_each_large_object_is_given_by_itself(large: tuple[str, str, str]):
    """One entry of a newer pg_dump stands for many, and so do its grants."""
    grant = "GRANT SELECT ON LARGE OBJECT 7 TO ana;\n"
    many = entry("ACL", "LARGE OBJECTS 7..9", grant)._replace(needs=frozenset([1]))
    told = [line.strip() for line in rights([entry(*large, owner="boss"), many])]
    numbers = ["7", "9"] if large[0] == "BLOB METADATA" else ["7"]
    assert told == [
        'create role "boss";',
        "create role ana;",
        *(f'alter large object {number} owner to "boss";' for number in numbers),
        *(f"GRANT SELECT ON LARGE OBJECT {number} TO ana;" for number in numbers),
    ]


GOOD = [
    'REVOKE ALL ON FUNCTION public."it\'s; $$"(a integer) FROM PUBLIC;\nGRANT ALL ON FUNCTION f() TO x;\n',
    "SET SESSION AUTHORIZATION a;\nGRANT SELECT(id) ON TABLE t TO b;\nRESET SESSION AUTHORIZATION;\n",
    "ALTER DEFAULT PRIVILEGES FOR ROLE a IN SCHEMA s GRANT SELECT ON TABLES TO b;\n",
]
HOSTILE = [
    "GRANT ALL ON TABLE t TO a; COPY t TO PROGRAM 'touch /tmp/x';\n",
    "GRANT ALL ON TABLE t TO a;\n\\! touch /tmp/x\n",
    "GRANT ALL ON TABLE t TO a; DROP TABLE t;\n",
    "GRANT :x TO a;\n",
    "GRANT ALL ON TABLE t TO a -- ;\n",
    "GRANT ALL /* ; */ ON TABLE t TO a;\n",
    "DO $$ begin end $$;\n",
    "GRANTED;\n",
    'GRANT ALL ON TABLE "t TO a;\n',
]


@pytest.mark.parametrize("definition", GOOD)
def test_grants_of_pg_dump_are_taken(definition: str):
    """Whatever pg_dump writes into such an entry is run."""
    assert list(rights([entry("ACL", "x", definition)]))[-1] == definition


@pytest.mark.parametrize("definition", HOSTILE)
def test_what_is_more_than_a_grant_is_not_run(definition: str):
    """An entry with any other statement, literal, comment or command of psql in it is left out as a whole."""
    assert list(rights([entry("ACL", "x", definition)])) == []


@pytest.mark.parametrize(
    ("kind", "drop"),
    [
        ("FUNCTION", "DROP FUNCTION public.f(); COPY t TO PROGRAM 'x';\n"),
        ("OPERATOR", "DROP OPERATOR public.-- (a, b);\n"),
        ("OPERATOR", "DROP OPERATOR public.+/* (a, b);\n"),
        ("OPERATOR", 'DROP OPERATOR "a\'; --".+- (a, b); drop table t;\n'),
        ("OPERATOR", "DROP OPERATOR public.+ (a, b) -- ;\n"),
    ],
)
def test_hostile_signature_is_not_run(kind: str, drop: str):
    """The same is so for the statement from which the signature of a function or operator is taken."""
    assert list(rights([entry(kind, "f()", drop=drop)])) == []


@pytest.mark.parametrize("name", ["-/", "<->", "~~>", "@@", "public.-", '"it\'s; --"./', "public.`|?"])
def test_operators_are_named_as_they_are(name: str):
    """Whatever an operator may be called, it can be given to its owner."""
    told = rights([entry("OPERATOR", name, owner="boss", drop=f"DROP OPERATOR {name} (NONE, integer);\n")])
    assert list(told)[1:] == [f'alter OPERATOR {name} (NONE, integer) owner to "boss";']
