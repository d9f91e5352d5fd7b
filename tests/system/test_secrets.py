"""Planted secrets and personal data come out nowhere: files, answers, output, command lines."""

from __future__ import annotations

from pathlib import Path

from .server import Server, eventually, running

CANARY = "canary-5f1c9e"
CPF = "529.982.247-25"
PHONE = "+55 11 98765-4321"
PLANTED = {
    "DATABASE_URL": f"postgresql://agent:{CANARY}@127.0.0.1:1/agent",
    "SMTP_HOST": "127.0.0.1",
    "SMTP_PORT": "1",
    "SMTP_SECURITY": "none",
    "SMTP_USERNAME": "agent",
    "SMTP_PASSWORD": CANARY,
    "ALERT_EMAIL_FROM": "atalaia@example.com",
    "ALERT_EMAIL_TO": "ana@example.com",
    "SLACK_WEBHOOK_URL": f"https://127.0.0.1:1/services/{CANARY}",
    "TWILIO_ACCOUNT_SID": "AC" + "0" * 32,
    "TWILIO_AUTH_TOKEN": CANARY,
    "ALERT_TWILIO_API_URL": "https://127.0.0.1:1",
    "ALERT_WHATSAPP_FROM": "+5511900000001",
    "ALERT_WHATSAPP_TO": "+5511900000002",
    "SLACK_SIGNING_SECRET": CANARY,
    "ALERT_WEBHOOK_URL": f"https://127.0.0.1:1/{CANARY}",
    "ALERT_WEBHOOK_SECRET": CANARY,
    "ALERT_PAGERDUTY_ROUTING_KEY": CANARY,
    "ALERT_PAGERDUTY_API_URL": "https://127.0.0.1:1",
    "ALERT_ALERTMANAGER_URL": "https://127.0.0.1:1",
    "ALERT_ALERTMANAGER_TOKEN": CANARY,
    "ALERT_APPRISE_URLS": f"json://127.0.0.1:1/{CANARY}",
    "WHATSAPP_APP_SECRET": CANARY,
    "WHATSAPP_VERIFY_TOKEN": CANARY,
}
DOCUMENTS = (
    "system/status",
    "alerts/active",
    "alerts/history",
    "alerts/stats",
    "backup/status",
    "performance/current",
    "performance/summary",
    "metrics",
    "metrics/business",
    "logs/recent",
    "logs/recent?type=errors",
    "logs/recent?type=security",
    "logs/errors",
    "",
)


def provoke(server: Server) -> None:
    """Make everything fail that knows a secret, and say what must not be repeated."""
    server.post("alerts", {"title": f"Cliente {CPF} reclama", "message": PHONE, "severity": "CRITICAL"})
    server.post("alerts/test")
    server.client.post("/production/backup/manual", params={"wait": "true"})
    secret = {"authorization": f"Bearer {CANARY}", "cookie": f"session={CANARY}"}
    server.client.get(f"/nowhere?token={CANARY}", headers=secret)
    server.client.get("/production/system/status", headers=secret)
    server.client.post("/webhook/whatsapp", content=b"{}", headers={"x-hub-signature-256": CANARY})
    server.command("alerts", "test")
    server.command("validate")
    eventually(
        lambda: server.get("alerts/stats")["channels"],
        lambda channels: all(one["last_error"] for one in channels.values()),
        what="a failure of every channel",
        deadline=30,
    )


def command_lines() -> list[str]:
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            found.append(path.read_bytes().decode(errors="replace"))
        except OSError:
            continue
    return found


def test_nothing_planted_comes_out(tmp_path: Path) -> None:
    """After every failure that knows a secret, no file, answer, output or command line holds one.

    security.log tells that somebody was refused, and not what they tried.
    """
    with running(tmp_path, **PLANTED) as server:
        provoke(server)
        shown = {path: server.client.get(f"/production/{path}").text for path in DOCUMENTS}
        shown |= {f"cmdline {n}": text for n, text in enumerate(command_lines())}
    shown["output"] = server.output()
    for path in tmp_path.rglob("*"):
        if path.is_file():
            shown[str(path.relative_to(tmp_path))] = path.read_bytes().decode(errors="replace")
    assert '"access_refused"' in shown["logs/security.log"]
    for place, text in shown.items():
        for secret in (CANARY, CPF, PHONE, "98765-4321"):
            assert secret not in text, f"{secret} in {place}: {around(text, secret)}"


def around(text: str, secret: str) -> str:
    at = text.index(secret)
    return text[max(0, at - 200) : at + 60]
