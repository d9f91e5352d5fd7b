"""The resources are shown against their thresholds."""

from __future__ import annotations

import pytest

from app.dashboard.cards import resources
from tests.dashboard import documents
from tests.dashboard.documents import frame


def test_resources_show_how_far_they_are_from_their_thresholds() -> None:
    """As a meter, in figures, and in words."""
    made = resources.markup(resources.view(documents.performance()), frame())
    assert '<meter min="0" max="100" low="85" high="95" optimum="0" value="88.0" aria-label="Memory">' in made
    assert "7.0 GB / 8.0 GB · warning above 85 %, critical above 95 %" in made
    assert "Warning" in made


@pytest.mark.parametrize(("percent", "level"), [(85.0, "ok"), (85.1, "warning"), (95.1, "critical")])
def test_each_disk_has_its_own_level(percent: float, level: str) -> None:
    """Not that of the fullest."""
    disk = {"path": "/data", "percent": percent, "used_bytes": 1, "total_bytes": 2}
    document = documents.performance(disk=documents.graded("critical", 85, paths=[disk]))
    assert [one.level for one in resources.view(document) if one.name == "disk"] == [level]


def test_what_was_not_sampled_yet_is_unknown() -> None:
    """As in the first seconds."""
    nothing = {"level": "unknown", "thresholds": {"warning": 80, "critical": 95, "unit": "%"}}
    unset = {**nothing, "reason": "no DATABASE_URL"}
    document = documents.performance(cpu=nothing, memory=nothing, disk=nothing, database=unset)
    made = resources.markup(resources.view(document), frame())
    assert made.count("Unknown") == 3
    assert "no DATABASE_URL · warning above 80 %" in made
    assert "<meter" not in made
