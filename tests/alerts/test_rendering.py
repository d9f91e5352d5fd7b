"""A message in each of its shapes, within limits and harmless."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from app.alerts.message import compose
from app.alerts.rendering import as_html, as_line, as_slack, as_text, defused, escape_slack

from .examples import ENGLISH, a_notice

LINKED = replace(
    ENGLISH, acknowledge_url=lambda _: "https://a/?t=x&y", recent_lines=lambda _: ["``` <!channel>", "two"]
)


def test_text_has_every_part() -> None:
    """Lines of the log and links by their names."""
    text = as_text(compose(a_notice(message="why"), LINKED))
    assert "why\n\n" in text
    assert "From the log:\n``` <!channel>\ntwo\n" in text
    assert "I am on it: https://a/?t=x&y\nDashboard: https://shop.example/production/\n" in text


def test_html_is_escaped() -> None:
    """What others wrote stays text."""
    html = as_html(compose(a_notice(title="<b>x</b>", message="<script>", labels={"<i>": "&"}), ENGLISH))
    assert "<script>" not in html
    assert "<b>" not in html
    assert "&lt;script&gt;" in html


def test_html_is_fit_for_a_telephone() -> None:
    """With links that a thumb hits, and the lines of the log."""
    html = as_html(compose(a_notice(), LINKED))
    assert "width=device-width" in html
    assert '<a href="https://a/?t=x&amp;y"' in html
    assert "``` &lt;!channel&gt;" in html


def test_line_has_no_line_breaks() -> None:
    """As a template's variable must be."""
    assert "\n" not in as_line(compose(a_notice(message="a\nb\n\nc"), ENGLISH), 600)


def test_line_keeps_the_link_whole() -> None:
    """What has to be cut is cut before it."""
    line = as_line(compose(a_notice(message="x" * 900), LINKED), 100)
    assert len(line) == 100
    assert line.endswith("x… https://a/?t=x&y")


def test_slack_mentions_are_dead() -> None:
    """None of the ways to call a whole channel survives."""
    shown = escape_slack("<!channel> <@U1> <http://x|y> @here @channel @Everyone a@b.c &amp;")
    assert "<" not in shown
    assert not any(f"@{word}" in shown for word in ("here", "channel", "Everyone"))
    assert "a@b.c" in shown
    assert shown.endswith("&amp;amp;")


@given(
    st.text(max_size=3_000),
    st.text(max_size=15_000),
    st.dictionaries(st.text(max_size=300), st.text(max_size=600), max_size=40),
)
def test_slack_message_is_within_the_limits(title: str, message: str, labels: dict[str, str]) -> None:
    """150 for the header, 3,000 for a section, 10,000 and 45 blocks in all, whatever is said."""
    text, blocks = as_slack(compose(a_notice(title=title, message=message, labels=labels), ENGLISH))
    texts = [block["text"]["text"] for block in blocks if "text" in block]
    assert all(1 <= len(shown) <= 3_000 for shown in texts)
    assert len(texts[0]) <= 150
    assert len(text) + sum(map(len, texts)) < 10_000
    assert len(blocks) <= 45


@given(st.sampled_from("&<>@x😀"), st.integers(140, 160))
def test_cut_never_splits_an_entity(sign: str, length: int) -> None:
    """A header of a hundred ampersands is still a header."""
    _, blocks = as_slack(compose(a_notice(title=sign * length), ENGLISH))
    shown = blocks[0]["text"]["text"].rstrip("…")
    assert shown.count("&") == sum(shown.count(entity) for entity in ("&amp;", "&lt;", "&gt;"))


def test_slack_shows_lines_as_they_are() -> None:
    """Nothing in them ends the block that they stand in."""
    _, blocks = as_slack(compose(a_notice(), LINKED))
    (shown,) = [
        text for block in blocks if (text := block.get("text", {}).get("text", "")).startswith("*From")
    ]
    assert shown == "*From the log:*\n```''' &lt;!channel&gt;\ntwo```"


def test_slack_buttons_are_there_when_they_are_about_something() -> None:
    """Each says by its id what it does."""
    message = compose(a_notice(), ENGLISH)
    assert as_slack(message)[1][-1]["type"] == "section"
    buttons = as_slack(message, "a1 f1")[1][-1]["elements"]
    assert [button["action_id"] for button in buttons] == ["acknowledge", "resolve", "silence"]
    assert {button["value"] for button in buttons} == {"a1 f1"}


def test_slack_button_stands_in_for_the_link() -> None:
    """Only without buttons is there a link to acknowledge by."""
    message = compose(a_notice(), LINKED)
    assert "https://a/" in str(as_slack(message)[1])
    assert "https://a/" not in str(as_slack(message, "a1 f1")[1])


def test_mentions_are_defused_where_nothing_can_be_escaped() -> None:
    """Of everybody and of somebody; addresses stay as they are."""
    shown = defused("@everyone <@123> <!here> a@b.c <b>")
    assert not any(live in shown for live in ("@everyone", "<@", "<!"))
    assert shown.endswith("a@b.c <b>")
