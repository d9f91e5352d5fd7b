"""Links by which whoever got a message says that they are on it."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from app.alerts.links import LinkEnded, Links
from app.alerts.model import State
from app.core.errors import InputRejected

from .examples import NOON, fired

ADDRESS = "https://shop.example/production/"


def token(links: Links) -> str:
    """What stands in the link of an alert."""
    return links.url(fired()).partition("?t=")[2]


def test_link_names_its_alert(tmp_path: Path) -> None:
    """It leads below the dashboard's address, and is read back by any process of this installation."""
    url = Links(tmp_path, ADDRESS).url(fired())
    assert url.startswith("https://shop.example/production/acknowledge?t=")
    assert Links(tmp_path, ADDRESS).alert_of(url.partition("?t=")[2], NOON) == fired().id


def test_link_ends(tmp_path: Path) -> None:
    """So many hours after the alert was last seen."""
    links = Links(tmp_path, ADDRESS, hours=2)
    links.alert_of(token(links), NOON + timedelta(hours=2, seconds=-1))
    with pytest.raises(LinkEnded):
        links.alert_of(token(links), NOON + timedelta(hours=2))


@pytest.mark.parametrize("place", [0, 20, 22, -1])
def test_changed_link_is_refused(tmp_path: Path, place: int) -> None:
    """Another alert, another end, another signature."""
    links = Links(tmp_path, ADDRESS)
    good = list(token(links))
    good[place] = "0" if good[place] != "0" else "1"
    with pytest.raises(InputRejected):
        links.alert_of("".join(good), NOON)


@pytest.mark.parametrize("text", ["", "x", "a.b.c", "é" * 30, "1." * 500, "a.ffffffffffff." + "A" * 22])
def test_nonsense_is_refused(tmp_path: Path, text: str) -> None:
    """Whatever strangers send."""
    with pytest.raises(InputRejected):
        Links(tmp_path, ADDRESS).alert_of(text, NOON)


def test_link_of_another_installation_is_refused(tmp_path: Path) -> None:
    """Each has a key of its own."""
    with pytest.raises(InputRejected):
        Links(tmp_path / "b", ADDRESS).alert_of(token(Links(tmp_path / "a", ADDRESS)), NOON)


def test_key_is_private(tmp_path: Path) -> None:
    """Nobody else reads it."""
    token(Links(tmp_path, ADDRESS))
    assert (tmp_path / "link.key").stat().st_mode & 0o777 == 0o600


def test_workers_agree_on_one_key(tmp_path: Path) -> None:
    """Although all of them may want to make it at once."""
    tokens: list[str] = []
    workers = [
        threading.Thread(target=lambda: tokens.append(token(Links(tmp_path, ADDRESS)))) for _ in range(8)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len(set(tokens)) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["link.key"]


def test_no_link_where_it_would_not_help(tmp_path: Path) -> None:
    """Without an address, switched off, or about what is over."""
    over = replace(fired(), state=State.RESOLVED)
    assert Links(tmp_path).url(fired()) == ""
    assert Links(tmp_path, ADDRESS, hours=0).url(fired()) == ""
    assert Links(tmp_path, ADDRESS).url(over) == ""
