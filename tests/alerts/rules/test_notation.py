import pytest

from app.alerts.rules.notation import name_and_labels, values_of


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("1+2x3", [1, 3, 5, 7]),
        ("10-2x2", [10, 8, 6]),
        ("5x2", [5, 5, 5]),
        ("_ 3 _x2 .5", [None, 3, None, None, 0.5]),
        ("-1 +2", [-1, 2]),
        ("", []),
    ],
)
def test_values_are_read_as_promtool_reads_them(text: str, values: list[float | None]) -> None:
    """a+bxn is n+1 values, axn repeats, _ is a gap."""
    assert values_of(text) == values


@pytest.mark.parametrize("text", ["x3", "1+2", "five", "1x-2", "__"])
def test_what_is_no_value_is_named(text: str) -> None:
    """The error repeats the word that it does not understand."""
    with pytest.raises(ValueError, match="no value"):
        values_of(text)


def test_a_series_has_a_name_and_labels() -> None:
    """Labels may stand on several sides of spaces, and there may be none."""
    assert name_and_labels('up{service="openai", region="sp"}') == (
        "up",
        {"service": "openai", "region": "sp"},
    )
    assert name_and_labels("up") == ("up", {})
    assert name_and_labels("up{}") == ("up", {})


@pytest.mark.parametrize("text", ["up{service=openai}", "9up", 'up{a="1"', 'up{a="1" b="2"}'])
def test_what_is_no_series_is_refused(text: str) -> None:
    """An error, never half of the labels."""
    with pytest.raises(ValueError, match="is no"):
        name_and_labels(text)
