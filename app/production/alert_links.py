"""What people do from where a message reached them: a link that acknowledges, and the buttons in Slack.

Both come without a session; their own signature is what lets them in, and wrong ones count against
their sender as wrong tokens do.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from fastapi import APIRouter, Request
from starlette.background import BackgroundTask
from starlette.exceptions import HTTPException
from starlette.responses import Response

from ..alerts.links import LinkEnded, Links
from ..core.errors import AtalaiaError, InputRejected
from ..core.guard import guard
from ..dashboard.acknowledge import acknowledge_page
from ..dashboard.language import language_of
from ..dashboard.notice import notice
from ..dashboard.words import Words
from ..services.automated_alerts import AutomatedAlerts
from .answers import base, home, shown, words_of
from .bodies import body, decoded, form
from .gate import AccessControl
from .offload import Offload
from .routing import word_router

_SLACK_BYTES = 1 << 20
_NAME = 60
_QUIET_MINUTES = 60
_SLACK_HOST = "hooks.slack.com"


@dataclass(frozen=True, slots=True)
class Outside:
    """How people outside of the dashboard are known.

    links: reads the links of messages. is_slack: whether Slack signed (body, timestamp, signature), None
    without a signing secret. reply: says a text to whoever pressed a button, at the URL that came with it.
    """

    links: Links | None = None
    is_slack: Callable[[bytes, str, str], bool] | None = None
    reply: Callable[[str, str], None] = lambda _, __: None
    language: str = ""


def router(gate: AccessControl, page: AutomatedAlerts, outside: Outside, offload: Offload) -> APIRouter:
    """The routes for who has a link or a button."""
    routes = word_router()
    _by_link(routes, gate, page, outside, offload)
    _by_button(routes, gate, page, outside, offload)
    return routes


def _by_link(
    routes: APIRouter, gate: AccessControl, page: AutomatedAlerts, outside: Outside, offload: Offload
) -> None:
    def alert_of(request: Request, token: str) -> str:
        """The id of the alert that a link is about; the links of strangers count against them."""
        try:
            if outside.links is None:
                raise HTTPException(404)
            found = outside.links.alert_of(token, gate.now())
        except LinkEnded:
            raise
        except InputRejected:
            _require(gate, request, is_right=False)
            raise
        _require(gate, request, is_right=True)
        return found

    @routes.get("/acknowledge")
    async def ask(request: Request, t: str = "") -> Response:
        # Because whatever scans mails follows their links, this only asks.
        alert_id = await offload(alert_of, request, t)
        words = words_of(request)
        alert = await offload(page.alert, alert_id)
        if alert["resolved_at"]:
            return _said(request, alert["title"], words.alert_over)
        if alert["acknowledged_at"]:
            return _said(request, alert["title"], words.acknowledged_by.format(name=alert["acknowledged_by"]))
        return shown(acknowledge_page(words, f"{base(request)}/acknowledge", t, alert))

    @routes.post("/acknowledge")
    async def acknowledge(request: Request) -> Response:
        said = form(await body(request))
        alert_id = await offload(alert_of, request, said.get("t", ""))
        name = said.get("by", "").strip()[:_NAME]
        by = f"{name} (link)" if name else "link"
        alert = await offload(page.acknowledge, alert_id, by=by, reason="")
        return _said(request, alert["title"], words_of(request).acknowledged_by.format(name=by))


def _by_button(
    routes: APIRouter, gate: AccessControl, page: AutomatedAlerts, outside: Outside, offload: Offload
) -> None:
    words = language_of(outside.language, "")

    @routes.post("/alerts/slack/actions")
    async def press(request: Request) -> Response:
        if outside.is_slack is None:
            raise HTTPException(404)
        raw = await body(request, _SLACK_BYTES)
        timestamp, signature = (
            request.headers.get(f"x-slack-{name}", "") for name in ("request-timestamp", "signature")
        )
        _require(gate, request, is_right=await offload(outside.is_slack, raw, timestamp, signature))
        payload = decoded(form(raw).get("payload", "").encode())
        said = await offload(_pressed, page, payload, words)
        url = str(payload.get("response_url", ""))
        return Response(background=BackgroundTask(offload, _reply, outside, url, said))


def _pressed(page: AutomatedAlerts, payload: Any, words: Words) -> str:
    """Do what the button says; what is said about it to whoever pressed it."""
    user, verb, alert_id, fingerprint = _parts(payload)
    by = f"{user} (Slack)"
    try:
        if verb == "acknowledge":
            page.acknowledge(alert_id, by=by)
            return words.acknowledged_by.format(name=user)
        if verb == "resolve":
            page.resolve(alert_id, by=by)
            return words.is_resolved.format(name=user)
        page.add_silence(matchers={"fingerprint": fingerprint}, minutes=_QUIET_MINUTES, by=by)
        return words.is_silenced.format(name=user)
    except AtalaiaError as error:
        return error.fact


def _parts(payload: Any) -> tuple[str, str, str, str]:
    """Who pressed which button about what; InputRejected when it is no press of a button of ours."""
    try:
        action, user = payload["actions"][0], payload["user"]
        alert_id, _, fingerprint = str(action["value"]).partition(" ")
        verb = str(action["action_id"])
        name = str(user.get("username") or user.get("name") or user["id"])[:_NAME]
    except (LookupError, TypeError, AttributeError):
        raise InputRejected("this is no press of a button of ours") from None
    if verb not in ("acknowledge", "resolve", "silence"):
        raise InputRejected("this is no press of a button of ours")
    return name, verb, alert_id, fingerprint


def _reply(outside: Outside, url: str, text: str) -> None:
    # Because even what Slack signed is not to make us call any other host.
    if urlsplit(url).hostname == _SLACK_HOST and url.startswith("https://"):
        with guard("alerts.slack.reply"):
            outside.reply(url, text)


def _require(gate: AccessControl, request: Request, *, is_right: bool) -> None:
    decision = gate.by_signature(request.scope, is_right=is_right)
    if not decision.allowed:
        headers = {"retry-after": str(decision.retry_after)} if decision.retry_after else {}
        raise HTTPException(decision.status, decision.reason, headers)


def _said(request: Request, title: str, fact: str) -> Response:
    return shown(notice(words_of(request), title, fact, "", home(request)))
