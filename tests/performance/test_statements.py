from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.performance.statements import LONGEST, without_literals


@pytest.mark.parametrize(
    ("statement", "bare"),
    [
        ("select * from t where cpf = '123.456.789-09'", "select * from t where cpf = ?"),
        ("select 1", "select ?"),
        ("where a=1 and b=-2.5e10 and c=.5", "where a=? and b=-? and c=?"),
        ("update t1 set c2 = 'it''s me' where id = 7", "update t1 set c2 = ? where id = ?"),
        (r"select E'a\'b 12345'", "select ?"),
        ("select $$Maria$$, $body$it's$body$", "select ?, ?"),
        ("select U&'d!0061t', B'101', X'1FF', N'x'", "select ?, ?, ?, ?"),
        ("select a -- for Maria\n from t /* cpf 123 */ where b", "select a from t where b"),
        ("select  a\n\tfrom   t", "select a from t"),
        ("where id in (1, 2, 3)", "where id in (?, ...)"),
        ("where id in (%(id_1)s, %(id_2)s)", "where id in (?, ...)"),
        ("insert into t values ($1, $2), ($3, $4)", "insert into t values (?, ...), ..."),
        ("where id = $1 and n = %(name_1)s and m = :m", "where id = $1 and n = %(name_1)s and m = :m"),
        ("select * from pg_catalog.pg_class c2", "select * from pg_catalog.pg_class c2"),
        ("where name = 'cut off in the midd", "where name = ?"),
        ("select $$cut off", "select ?"),
        ("select /* cut off 123", "select"),
    ],
)
def test_literals_are_replaced_and_names_are_not(statement: str, bare: str) -> None:
    """What identifies the statement stays, what identifies a person goes."""
    assert without_literals(statement) == bare


@given(st.text(alphabet=st.characters(exclude_characters="\\"), min_size=1))
def test_no_quoted_text_survives(text: str) -> None:
    """Whatever stands between quotes is gone."""
    quoted = text.replace("'", "''")
    assert without_literals(f"select * from t where a = '{quoted}' and b") == (
        "select * from t where a = ? and b"
    )


@given(st.text())
def test_it_is_idempotent(text: str) -> None:
    """A statement without literals has none to lose."""
    once = without_literals(text)
    assert without_literals(once) == once or len(once) > LONGEST


def test_long_statements_are_cut() -> None:
    """A statement of any length takes bounded room."""
    assert len(without_literals("select a, " * 1_000)) == LONGEST + 1
