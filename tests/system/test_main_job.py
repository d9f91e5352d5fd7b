"""What a newcomer tries first works, verbatim, without any header."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from app.core.postgres import client_program

from .server import REPOSITORY, Server, eventually, running

SECRET = "an app secret"
WORDS = (
    "system/status",
    "metrics/business",
    "metrics",
    "alerts/active",
    "alerts/stats",
    "alerts/history",
    "alerts/silences",
    "performance/current",
    "performance/summary",
    "backup/status",
    "logs/recent",
    "logs/errors",
    "logs/level",
)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("fresh")


@pytest.fixture(scope="module")
def server(root: Path):
    secrets = {"WHATSAPP_APP_SECRET": SECRET, "WHATSAPP_VERIFY_TOKEN": "verify me"}
    with running(root, WORKERS="2", **secrets) as server:
        yield server


@pytest.mark.parametrize("word", WORDS)
def test_curl_on_the_server_needs_no_header(server: Server, word: str) -> None:
    """Each documented GET answers 200 to a plain curl of the operator."""
    curl = shutil.which("curl")
    if curl is None:
        pytest.skip("curl is not installed")
    url = f"http://localhost:{server.port}/production/{word}"
    done = subprocess.run(
        [curl, "-sS", "--noproxy", "*", "-o", os.devnull, "-w", "%{http_code}", url],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout == "200"


def test_events_of_all_workers_are_in_the_same_answer(server: Server) -> None:
    """What any worker accepted is counted at once by whichever answers, and each key once."""
    for number in range(20):
        fact = {"name": "revenue", "key": f"b-{number}", "amount": "0.10", "currency": "BRL"}
        assert server.post("metrics/events", fact)["accepted"] == 1
    assert server.post("metrics/events", {**fact})["duplicates"] == 1
    for _ in range(6):
        assert server.get("metrics/business")["revenue"]["BRL"]["gross"] == "2.00"


def test_an_alert_lives_its_life_by_curl(server: Server) -> None:
    """Raised, shown, acknowledged, resolved and remembered."""
    raised = server.post("alerts", {"title": "Gateway refuses", "severity": "HIGH", "key": "gateway"})
    (active,) = [one for one in server.get("alerts/active")["alerts"] if one["id"] == raised["id"]]
    assert (active["severity"], active["title"]) == ("HIGH", "Gateway refuses")
    server.post(f"alerts/{raised['id']}/acknowledge")
    server.post(f"alerts/{raised['id']}/resolve", {"by": "ana", "reason": "gateway is back"})
    assert raised["id"] not in [one["id"] for one in server.get("alerts/active")["alerts"]]
    assert "gateway is back" in json.dumps(server.get("alerts/history", alert_id=raised["id"]))


def test_a_backup_restores_to_what_it_was_made_of(server: Server) -> None:
    """POST backup/manual?wait=true makes a good backup; the restored database equals its source."""
    url = server.get("performance/current") and embedded_url(server)
    query(url, "create table orders as select n as id, md5(n::text) as code from generate_series(1, 5000) n")
    made = server.post("backup/manual?wait=true")
    assert made["state"] in {"checked", "restored", "proven"}
    done = server.command("backup", "restore", made["id"], "--into", "orders_again", "--yes", "--json")
    assert done.returncode == 0, done.stderr
    checksum = "select count(*) || ' ' || md5(string_agg(o::text, ',' order by id)) from orders o"
    again = url.replace("/atalaia?", "/orders_again?")
    assert query(again, checksum) == query(url, checksum)
    assert query(url, checksum).startswith("5000 ")
    assert server.get("backup/status")["last_good"]["id"] == made["id"]


def test_a_backup_comes_back_from_its_second_copy(server: Server, root: Path) -> None:
    """Copied to another folder by command; with the folder of the backups gone it is restored from there."""
    other = root / "second disk"
    other.mkdir()
    place = {"BACKUP_OFFSITE_URL": f"file://{other}".replace(" ", "%20")}
    made = server.post("backup/manual?wait=true")
    done = server.command("backup", "copy", made["id"], "--json", **place)
    assert json.loads(done.stdout)["second_copy"]["sha256"] == made["sha256"], done.stderr
    for path in (root / "backups").glob(f"{made['id']}*"):
        path.unlink()
    done = server.command("backup", "restore", made["id"], "--into", "from_afar", "--json", **place)
    assert json.loads(done.stdout)["into"] == "from_afar", done.stderr


def test_the_daily_script_says_one_line(server: Server) -> None:
    """monitor_health.sh's command answers one line and 0, 1 or 2 as the status is."""
    status = server.get("system/status")["status"]
    done = server.command("status", "--line")
    assert done.returncode == {"ok": 0, "degraded": 1, "down": 2}[status]
    assert done.stdout.count("\n") == 1
    assert done.stdout.startswith(status.upper())


def test_a_request_leaves_one_line_with_its_id(server: Server) -> None:
    """The access line of a request is found by its X-Request-ID, and the answer echoes it."""
    answer = server.client.get("/nowhere", headers={"x-request-id": "find-me-1"})
    assert (answer.status_code, answer.headers["x-request-id"]) == (404, "find-me-1")
    records = eventually(
        lambda: server.get("logs/recent", request_id="find-me-1")["records"],
        lambda found: len(found) == 1,
        what="the access line",
    )
    assert records[0]["status"] == 404


def test_whatsapp_messages_become_conversations(server: Server) -> None:
    """A signed webhook of Meta's is counted as a conversation and leaves a line in webhook.log."""
    before = server.get("metrics/business")["conversations"]["started"]
    body = webhook("wamid.system.1")
    signature = "sha256=" + hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
    headers = {"x-hub-signature-256": signature, "content-type": "application/json"}
    assert server.client.post("/webhook/whatsapp", content=body, headers=headers).json() == {"messages": 1}
    assert server.get("metrics/business")["conversations"]["started"] == before + 1
    assert server.get("logs/recent", type="webhook")["records"]


def test_everything_written_is_private(server: Server) -> None:
    """No file under logs/ and backups/ can be read by others."""
    files = [path for top in ("logs", "backups") for path in (server.root / top).rglob("*") if path.is_file()]
    assert files
    assert [path for path in files if path.stat().st_mode & 0o077] == []


def test_the_page_asks_for_a_token(server: Server) -> None:
    """A browser is sent to the login; nothing is shown to it."""
    answer = server.client.get("/production/", headers={"accept": "text/html", "accept-language": "pt-BR"})
    assert answer.status_code in {303, 401}
    assert "CPU" not in answer.text


def test_nobody_else_gets_in(server: Server) -> None:
    """A proxy's or browser's header, or another name of the host, needs a token."""
    for headers in ({"x-forwarded-for": "127.0.0.1"}, {"origin": "http://evil"}, {"host": "evil.example"}):
        assert server.client.get("/production/system/status", headers=headers).status_code == 401


def embedded_url(server: Server) -> str:
    environ = Path(f"/proc/{server.workers()[0]}/environ").read_bytes().split(b"\0")
    (found,) = [entry for entry in environ if entry.startswith(b"DATABASE_URL=")]
    return found.partition(b"=")[2].decode()


def query(url: str, statement: str) -> str:
    done = subprocess.run(
        [client_program("psql"), "--no-psqlrc", "-At", "-v", "ON_ERROR_STOP=1", "-c", statement, url],
        capture_output=True, text=True, check=True, timeout=30,
    )  # fmt: skip
    return done.stdout.strip()


def webhook(wamid: str) -> bytes:
    message = {"from": "16315551181", "id": wamid, "type": "text", "text": {"body": "Hello"}}
    message["timestamp"] = str(int(datetime.now(UTC).timestamp()))
    change = {"field": "messages", "value": {"messaging_product": "whatsapp", "messages": [message]}}
    entry = {"id": "102290129340398", "changes": [change]}
    return json.dumps({"object": "whatsapp_business_account", "entry": [entry]}).encode()


def test_the_readme_script_exists_and_can_run() -> None:
    """Every script that README names is there and executable."""
    for script in (
        "setup_production.sh",
        "scripts/start_production.sh",
        "scripts/test.sh",
        "validate_production.py",
    ):
        assert os.access(REPOSITORY / script, os.X_OK)
