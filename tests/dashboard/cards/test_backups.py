"""The backups are shown with the last good one and the next."""

from __future__ import annotations

import pytest

from app.dashboard.cards import backups
from tests.dashboard import documents
from tests.dashboard.documents import frame


def test_backups_show_the_last_good_one_and_the_next() -> None:
    """And offer one now."""
    made = backups.markup(backups.view(documents.backup()), frame())
    for text in ("7 h ago", "checked", "1.5 MB", "in 17 h", 'action="/production/backup/manual"'):
        assert text in made


def test_why_a_backup_is_not_proven_is_shown() -> None:
    """Beside its state, as what others wrote: it cannot become markup."""
    good = documents.backup()["last_good"] | {
        "drill": {"outcome": "failed", "reason": "<b>table a</b> is missing"}
    }
    made = backups.markup(backups.view(documents.backup(last_good=good)), frame())
    assert "checked (&lt;b&gt;table a&lt;/b&gt; is missing)" in made


def test_a_running_backup_shows_its_progress() -> None:
    """And no second one is offered."""
    running = {"phase": "dump", "percent": 40}
    made = backups.markup(backups.view(documents.backup(running=running)), frame())
    assert '<progress max="100" value="40"' in made
    assert "<form" not in made


@pytest.mark.parametrize(("sequence", "is_shown"), [(2, False), (4, True)])
def test_only_failures_after_the_last_good_backup_are_shown(sequence: int, *, is_shown: bool) -> None:
    """What failed before it is over."""
    failed = [{"sequence": sequence, "fact": "no space left"}]
    made = backups.markup(backups.view(documents.backup(failed=failed)), frame())
    assert ("no space left" in made) is is_shown


def test_without_a_backup_the_card_says_so() -> None:
    """And offers one, if there is a database."""
    nothing = documents.backup(last_good=None)
    assert "There is no good backup yet" in backups.markup(backups.view(nothing), frame())
    unset = documents.backup(last_good=None, next_due_at=None, configured=False)
    made = backups.markup(backups.view(unset), frame())
    assert "DATABASE_URL is not set" in made
    assert "<form" not in made


def test_a_backup_without_second_copy_is_shown_as_such() -> None:
    """With why the copy failed, if that is known, as what others wrote."""
    alone = documents.backup(offsite={"failed": {"fact": "<i>the disk</i> is gone"}})
    made = backups.markup(backups.view(alone), frame())
    assert "<dt>Second copy</dt><dd>none</dd>" in made
    assert "&lt;i&gt;the disk&lt;/i&gt; is gone" in made


def test_a_second_copy_is_shown_with_its_time() -> None:
    """When the last good backup was copied."""
    good = documents.backup()["last_good"]
    copied = good | {"second_copy": {"copied_at": good["started_at"]}}
    made = backups.markup(backups.view(documents.backup(last_good=copied)), frame())
    assert "<dt>Second copy</dt><dd>none</dd>" not in made
    assert made.count("7 h ago") == 2
