"""/production/logs: records that are there and that come, errors in groups, levels at run time."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable
from typing import Any

import pytest

from app.logs.live import MOST_READERS
from tests.production.served import READER, Tower


def recent(tower: Tower, query: str) -> dict[str, Any]:
    answer = tower.ask("GET", f"/production/logs/recent?{query}")
    assert answer.status_code == 200, answer.text
    return answer.json()


def stream(
    tower: Tower, query: str, until: Callable[[bytes], bool], *, headers: tuple[Any, ...] = ()
) -> bytes:
    """What a client has read from the stream when it had enough, and went away."""
    read = bytearray()

    async def reading() -> None:
        enough = asyncio.Event()

        async def receive() -> dict[str, Any]:
            await enough.wait()
            return {"type": "http.disconnect"}

        async def send(message: dict[str, Any]) -> None:
            read.extend(message.get("body", b""))
            if until(bytes(read)):
                enough.set()

        token = (b"authorization", f"Bearer {READER}".encode())
        scope = {"type": "http", "method": "GET", "path": "/production/logs/stream", "root_path": ""}
        scope |= {"query_string": query.encode(), "headers": [token, *headers], "http_version": "1.1"}
        scope |= {
            "scheme": "http",
            "server": ("tower", 80),
            "client": ("127.0.0.1", 5),
            "asgi": {"version": "3.0"},
        }
        async with asyncio.timeout(20):
            await tower.host(scope, receive, send)

    asyncio.run(reading())
    return bytes(read)


def messages(text: bytes) -> list[str]:
    return [json.loads(line[6:])["message"] for line in text.split(b"\n") if line.startswith(b'data: {"time')]


def test_the_newest_records_come_first(tower: Tower) -> None:
    """Filtered as was asked."""
    logging.getLogger("app.orders").info("paid", extra={"order": 7, "user_id": "u1"})
    logging.getLogger("app.orders").error("refused")
    answer = recent(tower, "level=INFO&q=app.orders")
    assert [record["message"] for record in answer["records"]] == ["refused", "paid"]
    assert answer["records"][1]["order"] == 7


def test_a_request_s_lines_are_found_by_its_id(tower: Tower) -> None:
    """As the problem documents say."""
    tower.ask("GET", "/production/nothing", headers={"X-Request-ID": "r-5"})
    (record,) = recent(tower, "request_id=r-5")["records"]
    assert (record["path"], record["status"]) == ("/production/nothing", 404)


def test_a_cursor_goes_on_where_an_answer_ended(tower: Tower) -> None:
    """Until there is nothing left; what comes meanwhile changes nothing."""
    log = logging.getLogger("business")
    for number in range(5):
        log.info("number %d", number)
    found, query = [], "type=business&limit=2"
    while query:
        answer = recent(tower, query)
        found += [record["message"][-1] for record in answer["records"]]
        log.info("later")
        query = f"type=business&limit=2&cursor={answer['cursor']}" if answer["cursor"] else ""
    assert "".join(found) == "43210"


@pytest.mark.parametrize(
    "query",
    [
        "type=../../etc/passwd", "limit=0", "limit=x", "level=LOUD", "since=today", "until=now", "cursor=!",
        "cursor=YXBwIDE", "cursor=c2VjdXJpdHkgMS0wLQ",
        "since=2026-11-23T12:00:00Z&until=2026-11-23T11:00:00Z",
    ],
)  # fmt: skip
def test_what_cannot_be_asked_for_is_refused(tower: Tower, query: str) -> None:
    """There is no path to name, only one of six logs; a cursor is one that was given."""
    answer = tower.ask("GET", f"/production/logs/recent?{query}")
    assert answer.status_code == 400
    assert answer.json()["detail"]


def test_a_stream_begins_with_the_last_records_and_goes_on(tower: Tower) -> None:
    """Those that match, each with an id."""
    log = logging.getLogger("webhook")
    for level in (logging.INFO, logging.ERROR, logging.WARNING):
        log.log(level, "before %d", level)

    def until(read: bytes) -> bool:
        if b"before 30" in read and b"after" not in read:
            log.info("not this")
            log.error("after")
        return b"after" in read

    read = stream(tower, "type=webhook&level=WARNING&last=2", until)
    assert read.startswith(b": following webhook.log\nretry: 2000\n\nid: 1-")
    assert messages(read) == ["before 40", "before 30", "after"]


def test_a_stream_is_resumed_without_loss_or_repeat(tower: Tower) -> None:
    """By the id of the last event that a client has seen, in the header or as `after`."""
    log = logging.getLogger("business")
    for number in range(3):
        log.info("event %d", number)
    read = stream(tower, "type=business&last=9", lambda read: b"event 2" in read)
    seen = read.split(b"id: ")[2].split(b"\n")[0]
    log.info("event 3")
    header = (b"last-event-id", seen)
    again = stream(tower, "type=business", lambda read: b"event 3" in read, headers=(header,))
    assert messages(again) == ["event 2", "event 3"]
    again = stream(tower, f"type=business&after={seen.decode()}", lambda read: b"event 3" in read)
    assert messages(again) == ["event 2", "event 3"]


@pytest.mark.parametrize("query", ["type=x", "last=-1", "last=1001", "level=LOUD", "after=1"])
def test_a_stream_of_nothing_is_refused(tower: Tower, query: str) -> None:
    """Before it begins."""
    assert tower.ask("GET", f"/production/logs/stream?{query}").status_code == 400


def test_there_are_only_so_many_streams(tower: Tower) -> None:
    """The next one is told to come later; one that ends makes room."""
    followers = [tower.logger.reading.follow() for _ in range(MOST_READERS)]
    answer = tower.ask("GET", "/production/logs/stream")
    assert (answer.status_code, answer.headers["content-type"]) == (503, "application/problem+json")
    for follower in followers:
        follower.close()
    assert messages(stream(tower, "last=0", lambda read: b"following" in read)) == []


def test_a_stream_needs_a_token_as_every_reading_does(tower: Tower) -> None:
    """Without one it is refused."""
    assert tower.ask("GET", "/production/logs/stream", token=None).status_code == 401


def test_errors_are_shown_in_groups(tower: Tower) -> None:
    """With a count, first and last time and an example; filtered as was asked."""
    for number in range(3):
        logging.getLogger("app.orders").error("order %d failed", number)
    logging.getLogger("app.stock").error("nothing left")
    answer = tower.ask("GET", "/production/logs/errors?q=order").json()
    (group,) = answer["errors"]
    assert (group["message"], group["count"], answer["total"]) == ("order <number> failed", 3, 2)
    assert group["example"]["message"] == "order 2 failed"
    assert tower.ask("GET", "/production/logs/errors?limit=0").status_code == 400


def test_levels_are_changed_listed_and_taken_back(tower: Tower) -> None:
    """By an operator; it is told in security.log who it was."""
    body = {"logger": "app.changed", "level": "debug", "expires_seconds": 60}
    answer = tower.ask("POST", "/production/logs/level", json=body).json()
    (changed,) = answer["levels"]
    assert (changed["logger"], changed["level"], changed["expires_at"][:19]) == (
        "app.changed",
        "DEBUG",
        "2026-11-23T12:01:00",
    )
    assert logging.getLogger("app.changed").level == logging.DEBUG
    assert tower.ask("GET", "/production/logs/level", token=READER).json() == answer
    (told,) = recent(tower, "type=security&q=log_level_changed")["records"]
    assert (told["target"], told["changed_to"], told["by"]) == ("app.changed", "DEBUG", changed["by"])
    assert tower.ask("DELETE", "/production/logs/level?logger=app.changed").json()["levels"] == []
    assert logging.getLogger("app.changed").level == logging.NOTSET
    assert tower.ask("DELETE", "/production/logs/level?logger=app.changed").status_code == 404


@pytest.mark.parametrize(
    "body",
    [{}, {"logger": "app.*", "level": "INFO"}, {"logger": "app", "level": "LOUD"}, {"logger": "app", "x": 1}],
)
def test_a_level_that_means_nothing_is_refused(tower: Tower, body: dict[str, Any]) -> None:
    """With a hint."""
    answer = tower.ask("POST", "/production/logs/level", json=body)
    assert answer.status_code == 400
    assert answer.json()["hint"]


def test_who_may_only_look_changes_no_level(tower: Tower) -> None:
    """It needs the role operate."""
    body = {"logger": "app", "level": "DEBUG"}
    assert tower.ask("POST", "/production/logs/level", json=body, token=READER).status_code == 403
