"""The guard swallows, counts and says so, and lets a process end."""

from __future__ import annotations

import pytest

from app.core.guard import failures, guard


def test_an_exception_is_swallowed_and_counted(capsys: pytest.CaptureFixture[str]) -> None:
    """Each failure counts under its place; stderr gets one line a minute."""
    for _ in range(3):
        with guard("test.place"):
            raise ValueError("token=secret")
    assert failures.snapshot()["test.place"].count == 3
    said = capsys.readouterr().err
    assert said.count("test.place") == 1


def test_the_text_of_an_exception_is_not_repeated(capsys: pytest.CaptureFixture[str]) -> None:
    """What an exception says may be a secret: only its type and place are kept."""
    with guard("test.secret"):
        raise ValueError("token=s3cret")
    assert "s3cret" not in capsys.readouterr().err
    assert "s3cret" not in failures.snapshot()["test.secret"].last
    assert "ValueError" in failures.snapshot()["test.secret"].last


def test_the_end_of_a_process_passes() -> None:
    """SystemExit and KeyboardInterrupt are not ours to keep."""
    with pytest.raises(SystemExit), guard("test.exit"):
        raise SystemExit(3)
