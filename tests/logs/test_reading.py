"""What the page writes, rotates and compresses is read, followed, counted and proved at the same time."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import closing
from itertools import islice
from pathlib import Path

import pytest

from app.core.clock import SystemClock
from app.logs.matching import Query
from app.logs.settings import LogSettings
from app.logs.tail import Tail
from app.logs.verify import verified
from app.services.production_logger import ProductionLogger
from app.testing import RecordingEmit, wait_until

RECORDS = 6_000


@pytest.fixture
def page(tmp_path: Path, emit: RecordingEmit) -> Iterator[ProductionLogger]:
    """A page that rotates often, and keeps everything."""
    settings = LogSettings(max_bytes=65_536, keep_files=10_000)
    page = ProductionLogger(settings, tmp_path / "logs", SystemClock(), emit)
    page.start()
    yield page
    page.stop()


def log_all(thread: int) -> None:
    for number in range(RECORDS // 2):
        logging.getLogger("business").error("number %d", number, extra={"writer": thread, "n": number})


def test_everything_is_seen_while_it_is_written_and_rotated(page: ProductionLogger, tmp_path: Path):
    """By a follower, the error index, paged searches and the proof: each record once."""
    live = tmp_path / "logs" / "business.log"
    followed: list[dict[str, int]] = []
    given_up = threading.Event()
    follower = threading.Thread(target=lambda: followed.extend(islice(records(tail, given_up), RECORDS)))
    with closing(Tail(live, Query())) as tail:
        follower.start()
        write_all(page)
        follower.join(20)
        given_up.set()
        follower.join()
    wait_until(
        lambda: page.reading.recent(type="business", limit=1, q=f"number {RECORDS // 2 - 1}")["records"]
    )
    proof = verified(live)
    for thread in (1, 2):
        assert [one["n"] for one in followed if one["writer"] == thread] == list(range(RECORDS // 2))
    assert (proof.is_complete, proof.lines, proof.torn) == (True, RECORDS, 0)
    wait_until(lambda: page.reading.errors()["errors"][0]["count"] == RECORDS, what="every error")
    assert len({(one["writer"], one["n"]) for one in every(page)}) == RECORDS
    assert list(live.parent.glob("business.log.*"))


def write_all(page: ProductionLogger) -> None:
    """Two threads log, while others ask."""
    writers = [threading.Thread(target=log_all, args=(thread,)) for thread in (1, 2)]
    for writer in writers:
        writer.start()
    while any(writer.is_alive() for writer in writers):
        page.reading.recent(type="business", q="number 7")
        page.reading.fold_errors()
    for writer in writers:
        writer.join()


def records(tail: Tail, given_up: threading.Event) -> Iterator[dict[str, int]]:
    while not given_up.is_set():
        events = tail.read()
        if events is None:
            given_up.wait(0.005)
        yield from (event.record for event in events or ())


def every(page: ProductionLogger) -> list[dict[str, int]]:
    """Everything that the pages of one question show."""
    answer = page.reading.recent(type="business", limit=500)
    found = list(answer["records"])
    while answer["cursor"]:
        answer = page.reading.recent(type="business", limit=500, cursor=answer["cursor"])
        found += answer["records"]
    assert len(found) == RECORDS
    return found
