"""The text of a dump's data, told in numbers."""

from __future__ import annotations

import pytest

from app.backup.copied import Unordered, told
from app.backup.model import Damaged
from app.backup.truth import differences

TEXT = rb"""--
-- PostgreSQL database dump
--
\restrict abc
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);

COPY public.messages (id, "te;
xt") FROM stdin;
1	ol\\.
2	\N
\.


COPY public."we ""ird""
n'ame"  FROM stdin;
\.

-- Data for Name: 1; Type: BLOB

BEGIN;
SELECT pg_catalog.lo_open('4242', 131072);
SELECT pg_catalog.lowrite(0, '\x6120766f69');
SELECT pg_catalog.lowrite(0, '\x6365');
SELECT pg_catalog.lo_close(0);
COMMIT;
SELECT pg_catalog.setval('public.tickets', 41, true);
SELECT pg_catalog.setval('public."o''clock"', -7, false);
REFRESH MATERIALIZED VIEW public.totals;
\unrestrict abc
"""


def pieces(text: bytes, size: int) -> list[bytes]:
    """The text as it comes through a pipe."""
    return [text[at : at + size] for at in range(0, len(text), size)]


@pytest.mark.parametrize("size", [1, 2, 3, 4, 7, 64, 1 << 17])
def test_however_it_is_cut_it_says_the_same(size: int):
    """Rows by table, places of sequences and large objects are told, wherever a piece ends."""
    found = told(pieces(TEXT, size))
    assert {name: rows.count for name, rows in found.tables.items()} == {
        "public.messages": 2,
        'public.we "ird"\nn\'ame': 0,
    }
    assert found.sequences == {"public.tickets": ("41", "41"), "public.o'clock": ("-7.5", "-7.5")}
    assert found.large_objects.count == 1
    assert differences(found, told([TEXT])) == []


CHANGES = {
    "a letter": (b"ol\\", b"Ol\\", "table public.messages has other rows, though as many (2)"),
    "a row less": (b"2\t\\N\n", b"", "table public.messages has 1 rows, not 2"),
    "a byte of a large object": (b"6365", b"6366", "a large object has another content"),
    "another large object": (b"'4242'", b"'4243'", "a large object has another content"),
    "a place": (b"41, true", b"41, false", "sequence public.tickets stands at 40.5, not at 41"),
}


@pytest.mark.parametrize(("old", "new", "difference"), CHANGES.values(), ids=CHANGES.keys())
def test_each_change_is_found(old: bytes, new: bytes, difference: str):
    """A change of any value is told, and where it is."""
    assert differences(told([TEXT]), told([TEXT.replace(old, new)])) == [difference]


def test_large_object_may_be_cut_otherwise():
    """How many bytes a release writes at once means nothing."""
    other = TEXT.replace(b"766f69');", b"76');\nSELECT pg_catalog.lowrite(0, '\\x6f69');")
    assert differences(told([TEXT]), told([other])) == []


@pytest.mark.parametrize("size", [1, 5, 1000])
def test_order_means_nothing_where_it_is_asked_for(size: int):
    """The same lines in another order are the same; one that is there twice is not."""
    text = TEXT.replace(b"1\tol\\\\.\n2\t\\N\n", b"2\t\\N\n1\tol\\\\.\n")
    assert text != TEXT
    was = told([TEXT], lambda _: Unordered())
    assert differences(was, told(pieces(text, size), lambda _: Unordered())) == []
    twice = TEXT.replace(b"2\t\\N", b"1\tol\\\\.")
    assert differences(was, told([twice], lambda _: Unordered())) != []


@pytest.mark.parametrize("ending", [b"2\t\\N\n", b"4242', 131072);\n", b"lo_close", b"'\\x6120766f69');\n"])
def test_text_that_is_cut_off_is_damaged(ending: bytes):
    """A dump that ends in the middle of rows, of a large object or of a statement does not pass."""
    with pytest.raises(Damaged, match="in the middle"):
        told([TEXT[: TEXT.index(ending) + len(ending)]])
