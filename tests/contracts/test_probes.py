"""What every probe promises, tried on each of them while what it looks at is well, gone, or silent."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from app.core.guard import failures
from app.core.health import Level
from app.core.postgres import EmbeddedPostgres
from app.performance.deadline import Bounded
from app.performance.model import Probe, Reading
from app.performance.probes.database import DatabaseProbe
from app.performance.probes.host import HostProbe
from app.performance.probes.http import HttpProbe
from app.performance.probes.process import ProcessProbe

from ..performance.listeners import answering, dripping, listener, silent, unused_port

SECRET = "s3cret-4711"
WELL = b"HTTP/1.1 204 No Content\r\n\r\n"


class Failing:
    """Somebody's own probe with a fault."""

    name = "failing"
    deadline_seconds = 1.0

    def sample(self) -> Reading:
        raise RuntimeError(SECRET)


class Place:
    """What the probes of this suite may look at."""

    def __init__(self, stack: ExitStack, folder: Path, postgres: EmbeddedPostgres) -> None:
        self.folder = folder
        self.database_url = postgres.url
        self._stack = stack
        self._ended = threading.Event()
        stack.callback(self._ended.set)

    def silent(self) -> str:
        return f"127.0.0.1:{self._stack.enter_context(listener(silent))}"

    def dripping(self) -> str:
        return f"127.0.0.1:{self._stack.enter_context(listener(dripping(b'HTTP/1.1 ', self._ended)))}"

    def answering(self) -> str:
        return f"127.0.0.1:{self._stack.enter_context(listener(answering(WELL)))}"

    def refusing(self) -> str:
        return f"127.0.0.1:{unused_port()}"


def database(place: str) -> DatabaseProbe:
    return DatabaseProbe(f"postgresql+psycopg2://agent:{SECRET}@{place}/agent", 1.0, deadline_seconds=0.5)


def service(place: str, timeout: float = 0.5) -> HttpProbe:
    return HttpProbe("service", f"http://agent:{SECRET}@{place}/{SECRET}?key={SECRET}", timeout)


PROBES: dict[str, tuple[Callable[[Place], Probe], Level]] = {
    "host": (lambda place: HostProbe([place.folder]), Level.OK),
    "process": (lambda _: ProcessProbe(), Level.OK),
    "database": (lambda place: DatabaseProbe(place.database_url, 1.0), Level.OK),
    "no database": (lambda _: DatabaseProbe("", 1.0), Level.OK),
    "database that refuses": (lambda place: database(place.refusing()), Level.DOWN),
    "database that is silent": (lambda place: database(place.silent()), Level.DOWN),
    "database of another kind": (lambda _: DatabaseProbe(f"mysql://a:{SECRET}@h/d", 1.0), Level.DOWN),
    "database with a broken URL": (lambda _: DatabaseProbe(f"postgresql://a:{SECRET}@[/d", 1.0), Level.DOWN),
    "service": (lambda place: service(place.answering(), timeout=10), Level.OK),
    "service that refuses": (lambda place: service(place.refusing(), timeout=10), Level.DOWN),
    "service that is silent": (lambda place: service(place.silent()), Level.DOWN),
    "service that drips": (lambda place: service(place.dripping()), Level.DOWN),
    "service that nobody knows": (lambda _: service("atalaia.invalid", timeout=10), Level.DOWN),
    "service with a broken URL": (lambda _: service("[::1"), Level.DOWN),
    "probe with a fault": (lambda _: Bounded(Failing()), Level.DOWN),
}


@pytest.fixture
def place(tmp_path: Path, postgres: EmbeddedPostgres) -> Iterator[Place]:
    with ExitStack() as stack:
        yield Place(stack, tmp_path, postgres)


@pytest.fixture(params=PROBES)
def case(request: pytest.FixtureRequest, place: Place) -> Iterator[tuple[Probe, Level]]:
    """Each probe with the level it has to tell."""
    make, level = PROBES[request.param]
    probe = make(place)
    yield probe, level
    if isinstance(probe, DatabaseProbe):
        probe.close()


def test_it_answers_within_its_deadline_with_its_level(case: tuple[Probe, Level]) -> None:
    """Twice, because the second time an earlier check may still be stuck."""
    probe, level = case
    for _ in range(2):
        began = time.monotonic()
        reading = probe.sample()
        assert time.monotonic() - began < probe.deadline_seconds + 1.0
        assert reading.level is level


def test_what_is_not_well_has_a_reason(case: tuple[Probe, Level]) -> None:
    """One short line for people."""
    reading = case[0].sample()
    if reading.level is not Level.OK:
        assert 0 < len(reading.reason) <= 200
        assert "\n" not in reading.reason


def test_no_secret_is_in_what_it_tells(case: tuple[Probe, Level]) -> None:
    """Neither in the reading nor in what a guard remembers of a failure."""
    reading = case[0].sample()
    assert SECRET not in repr(reading)
    assert SECRET not in repr(failures.snapshot())


def test_its_details_are_json(case: tuple[Probe, Level]) -> None:
    """They are kept in a table and shown to clients as they are."""
    details = case[0].sample().details
    assert json.loads(json.dumps(details)) == details
