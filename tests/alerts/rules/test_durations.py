import pytest

from app.alerts.rules.durations import seconds_of, words_of


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("30s", 30), ("1h30m", 5400), ("500ms", 0.5), ("10d", 864000), (5, 5), ("1w", 604800)],
)
def test_a_duration_is_read_as_prometheus_writes_it(text: object, seconds: float) -> None:
    """Units from ms to w, joined; a bare number is seconds."""
    assert seconds_of(text) == seconds


@pytest.mark.parametrize("text", ["", "5", "5 m", "-5m", "1y", True, None, -1])
def test_what_is_no_duration_is_refused(text: object) -> None:
    """A text without a unit, a negative or a truth value is no duration."""
    with pytest.raises(ValueError, match="no duration"):
        seconds_of(text)


@pytest.mark.parametrize(("seconds", "text"), [(5400, "1h30m"), (0, "0s"), (0.5, "500ms"), (259200, "3d")])
def test_seconds_are_said_as_they_are_read(seconds: float, text: str) -> None:
    """words_of() and seconds_of() are each other's inverse."""
    assert words_of(seconds) == text
    assert seconds_of(text) == seconds
