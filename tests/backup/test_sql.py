"""Names and values in SQL."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.backup.sql import identifier, literal
from app.core.errors import InputRejected

from .server import Server

texts = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=20)


@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(texts.filter(lambda text: len(text.encode()) <= 63), texts)
@pytest.mark.parametrize("conforming", ["on", "off"])
def test_any_text_stays_what_it_is(server: Server, conforming: str, name: str, value: str):
    """Whatever a name or value holds, the server sees it as that, and nothing of it as SQL."""
    with server.session("postgres") as session, session.cursor() as cursor:
        cursor.execute(f"set standard_conforming_strings = {conforming}")
        cursor.execute(f"select {literal(value)} as {identifier(name)}")
        assert (cursor.description[0].name, cursor.fetchone()) == (name, (value,))


@pytest.mark.parametrize("name", ["", "a\0", "x" * 64, "é" * 32])
def test_what_cannot_be_a_name_is_refused(name: str):
    """A name that PostgreSQL would refuse or cut is refused here, in words."""
    with pytest.raises(InputRejected):
        identifier(name)
