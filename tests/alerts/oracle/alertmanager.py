"""What a live Alertmanager tells in the course of many scripts at once, each in a label space of its own."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import yaml

from app.core.clock import rfc3339
from app.testing import wait_until

from .script import LANES, TICKS, Act, Blip, End, Matchers, Quiet, Raise, Script, Unquiet, expression

PROGRAM = shutil.which("prometheus-alertmanager") or shutil.which("alertmanager")
_GROUP_WAIT, _GROUP_INTERVAL = 0.2, 0.3
_MARGIN = 0.05
Known = set[tuple[str, str, str]]
"""(script, lane, key) of what a lane takes to be firing."""


class Receiver(ThreadingHTTPServer):
    """Where it posts to: `told` has lane and message of each post, in order."""

    daemon_threads = True
    request_queue_size = 1_000

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answering)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.told: list[tuple[str, Any]] = []


class _Answering(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        assert isinstance(self.server, Receiver)
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.told.append((self.path.removeprefix("/"), body))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Nothing of this is of interest."""


class TooLate(Exception):
    """The machine was so busy that an act came when its effects should have been over."""


class Theirs:
    """Scripts on an Alertmanager: acts at each tick, what the lanes believe after each half of one."""

    def __init__(self, scripts: Sequence[Script], url: str, receiver: Receiver, tick: float) -> None:
        self._scripts = scripts
        self._http = httpx.Client(base_url=f"{url}/api/v2", timeout=10)
        self._receiver = receiver
        self._tick = tick
        self._began = time.monotonic() + 0.2
        self._wall = datetime.now(UTC) + timedelta(seconds=0.2)
        self._silences: dict[tuple[str, int], str] = {}
        self._read = 0
        self._known: Known = set()

    def live(self) -> dict[str, list[frozenset[tuple[str, str]]]]:
        """All scripts; what was believed, by script."""
        believed: dict[str, list[frozenset[tuple[str, str]]]] = {one.name: [] for one in self._scripts}
        with self._http:
            for tick in range(TICKS):
                self._wait_for(tick)
                self._act(tick)
                for half in (0.5, 1.0):
                    self._wait_for(tick + half - _MARGIN / self._tick)
                    for name, known in self._learn().items():
                        believed[name].append(known)
        return believed

    def _wait_for(self, tick: float) -> None:
        """Alertmanager knows no time but the real one."""
        left = self._began + tick * self._tick - time.monotonic()
        if left < -0.1 * self._tick:
            raise TooLate(f"to look at {tick:g}")
        time.sleep(max(left, 0))

    def _moment(self, tick: float) -> datetime:
        return self._wall + timedelta(seconds=tick * self._tick)

    def _act(self, tick: int) -> None:
        alerts: list[Mapping[str, Any]] = []
        for script in self._scripts:
            alerts += self._told(script, script.acts[tick], tick)
        if alerts:
            self._http.post("/alerts", json=alerts).raise_for_status()
        if time.monotonic() > self._began + (tick + 0.2) * self._tick:
            raise TooLate(f"to act at {tick}")

    def _told(self, script: Script, act: Act, tick: int) -> Iterator[Mapping[str, Any]]:
        match act:
            case Raise(keys):
                for key in keys:
                    yield self._alert(script, key, tick, tick + script.condition(key).lasts)
            case End(keys):
                for key in keys:
                    yield self._alert(script, key, tick, tick)
            case Blip(key):
                yield self._alert(script, key, tick, tick)
            case Quiet(number, matchers, lasts):
                self._silence(script, number, matchers, tick, tick + lasts)
            case Unquiet(number):
                self._http.delete(f"/silence/{self._silences[script.name, number]}").raise_for_status()

    def _alert(self, script: Script, key: str, tick: int, ends: float) -> Mapping[str, Any]:
        condition = script.condition(key)
        labels = {name.removeprefix("labels."): text for name, text in condition.labels.items()}
        began, ended = self._moment(tick - 0.001), self._moment(ends)
        return {
            "labels": {**labels, "script": script.name, "key": key, "severity": condition.severity},
            "startsAt": rfc3339(began),
            "endsAt": rfc3339(ended),
        }

    def _silence(self, script: Script, number: int, matchers: Matchers, tick: int, ends: float) -> None:
        wanted = [{"name": "script", "value": script.name, "isRegex": False, "isEqual": True}]
        wanted += [
            {
                "name": name.removeprefix("labels."),
                "value": expression(texts),
                "isRegex": True,
                "isEqual": True,
            }
            for name, texts in matchers.items()
        ]
        asked = {"matchers": wanted, "createdBy": "ana", "comment": "quiet"}
        asked |= {"startsAt": rfc3339(self._moment(tick)), "endsAt": rfc3339(self._moment(ends))}
        answered = self._http.post("/silences", json=asked).raise_for_status()
        self._silences[script.name, number] = answered.json()["silenceID"]

    def _learn(self) -> dict[str, frozenset[tuple[str, str]]]:
        """What each script's lanes believe by everything that has arrived."""
        arrived = self._receiver.told[self._read :]
        self._read += len(arrived)
        for lane, message in arrived:
            self._hear(lane, message)
        return {
            script.name: frozenset((lane, key) for name, lane, key in self._known if name == script.name)
            for script in self._scripts
        }

    def _hear(self, lane: str, message: Any) -> None:
        for alert in message["alerts"]:
            known = (alert["labels"]["script"], lane, alert["labels"]["key"])
            if alert["status"] == "firing":
                self._known.add(known)
            else:
                self._known.discard(known)


def believed_by_theirs(
    scripts: Sequence[Script], folder: Path, tick: float
) -> dict[str, list[frozenset[tuple[str, str]]]]:
    """What a lane takes to be firing after each half of a tick, by script; TooLate on a busy machine."""
    receiver = Receiver()
    thread = threading.Thread(target=receiver.serve_forever, daemon=True)
    thread.start()
    try:
        (folder / "alertmanager.yml").write_text(yaml.safe_dump(_configuration(scripts, receiver.url)))
        with _alertmanager(folder) as url:
            return Theirs(scripts, url, receiver, tick).live()
    finally:
        receiver.shutdown()
        receiver.server_close()
        thread.join()


@contextmanager
def _alertmanager(folder: Path) -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as found:
        port = found.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    arguments = [
        f"--config.file={folder}/alertmanager.yml",
        f"--storage.path={folder}/data-{port}",  # because each begins with nothing
        f"--web.listen-address=127.0.0.1:{port}",
        "--cluster.listen-address=",
        "--log.level=warn",
    ]
    with (folder / "alertmanager.log").open("wb") as log:
        process = subprocess.Popen([str(PROGRAM), *arguments], stdout=log, stderr=log)
        try:
            wait_until(lambda: _is_ready(url), what="Alertmanager", deadline=20)
            yield url
        finally:
            process.terminate()
            process.wait(10)


def _is_ready(url: str) -> bool:
    try:
        return httpx.get(f"{url}/-/ready").is_success
    except httpx.TransportError:
        return False


def _configuration(scripts: Iterable[Script], url: str) -> Mapping[str, object]:
    everybody = "".join(LANES)
    return {
        "route": {
            "receiver": everybody,
            "group_wait": f"{_GROUP_WAIT * 1000:.0f}ms",
            "group_interval": f"{_GROUP_INTERVAL * 1000:.0f}ms",
            "repeat_interval": "1h",
            "routes": [_route(script) for script in scripts],
        },
        "inhibit_rules": [rule for script in scripts for rule in _inhibit_rules(script)],
        "receivers": [
            {"name": lanes, "webhook_configs": [{"url": f"{url}/{lane}"} for lane in lanes]}
            for lanes in (*LANES, everybody)
        ],
    }


def _route(script: Script) -> Mapping[str, object]:
    return {
        "matchers": [f'script="{script.name}"'],
        "group_by": ["script"] if script.together else ["..."],
        "routes": [
            {"receiver": "".join(route.to), "matchers": _matchers(route.match), "continue": route.goes_on}
            for route in script.routes
        ],
    }


def _inhibit_rules(script: Script) -> Iterator[Mapping[str, object]]:
    own = f'script="{script.name}"'
    for rule in script.inhibitions:
        yield {
            "source_matchers": [own, *_matchers(rule.source)],
            "target_matchers": [own, *_matchers(rule.target)],
            "equal": [name.removeprefix("labels.") for name in rule.equal],
        }


def _matchers(matchers: Matchers) -> list[str]:
    quoted = {name: expression(texts).replace("\\", "\\\\") for name, texts in matchers.items()}
    return [f'{name.removeprefix("labels.")}=~"{text}"' for name, text in quoted.items()]
