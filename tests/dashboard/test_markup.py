"""Nothing that is not markup becomes markup."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from app.dashboard.markup import Markup, joined, tag


def test_text_is_escaped_and_markup_is_not() -> None:
    """At any depth."""
    inner = tag("b", "1 < 2")
    assert tag("p", "a & b", [inner, ["'"]]) == "<p>a &amp; b<b>1 &lt; 2</b>&#x27;</p>"


def test_attributes_are_escaped_and_none_leaves_one_out() -> None:
    """Names that Python reserves carry an underscore."""
    assert (
        tag("a", href='"><script>', class_="x", for_=None)
        == '<a href="&quot;&gt;&lt;script&gt;" class="x"></a>'
    )
    assert tag("meta", http_equiv="refresh", content=30) == '<meta http-equiv="refresh" content="30">'


def test_markup_that_is_changed_is_text_again() -> None:
    """So that a mistake shows as text and not as a hole."""
    assert joined(Markup("<b>") + "<i>") == "&lt;b&gt;&lt;i&gt;"
    assert joined(f"{Markup('<b>')}") == "&lt;b&gt;"


@given(st.text(), st.text())
def test_no_text_leaves_its_element(content: str, value: str) -> None:
    """Whatever it is made of."""
    made = tag("p", content, title=value)
    inside = made.removeprefix('<p title="').removesuffix("</p>")
    assert inside.count("<") == 0
    assert inside.count(">") == inside.count('"') == 1
