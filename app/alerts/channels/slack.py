"""Tells a Slack channel, by an incoming webhook or as a bot.

Settings: SLACK_WEBHOOK_URL, or SLACK_BOT_TOKEN with ALERT_SLACK_CHANNEL; SLACK_SIGNING_SECRET,
SLACK_API_URL, ALERT_SLACK_MINIMUM_SEVERITY.

A bot keeps an episode together: what comes later stands in the thread below its first message, and
that one is edited to say how it stands now. A webhook only posts. What Slack refuses to lay out is
sent again as plain text.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Self, TypeAlias

from pydantic import SecretStr

from ...core.errors import DeliveryFailed
from ...core.guard import guard
from ...core.signal import Severity
from ..message import Style, compose
from ..model import Kind, Limits, Notice, Receipt
from ..rendering import as_slack, escape_slack
from ..settings import AlertSettings
from .recipients import Served
from .slack_answers import WHO, LayoutRefused, ThreadRefused, refused
from .style import NO_CONTEXT, NOTHING, Context, style_of

if TYPE_CHECKING:
    from .slack_client import Bot, Webhook

_Content: TypeAlias = Mapping[str, Any]
_NOTHING_TO_SAY = ("no_text", "invalid_payload", "missing_text_or_fallback_or_attachments")
_SHOUTED = (Kind.WORSE, Kind.ESCALATED)
"""What is shown in the channel too, and not only below the first message."""
_EDITED = (*_SHOUTED, Kind.ACKNOWLEDGED, Kind.RESOLVED)
"""What changes how the episode stands."""
_LIMITS = Limits(3, 1.0)
_ID = re.compile("[CG][A-Z0-9]{5,20}")
_PAGES, _ON_A_PAGE, _SKEW = 10, "100", timedelta(minutes=10)


@dataclass(frozen=True)
class SlackChannel:
    """One channel of one workspace."""

    style: Style
    webhook_url: SecretStr = NOTHING
    bot_token: SecretStr = NOTHING
    channel: str = ""
    api_url: str = "https://slack.com/api/"
    minimum_severity: Severity = Severity.LOW
    deadline_seconds: float = 10.0
    name: str = "slack"
    has_buttons: bool = False
    limits: Limits = _LIMITS
    _served: Served = field(default_factory=Served, repr=False)

    @classmethod
    def from_settings(cls, settings: AlertSettings, context: Context = NO_CONTEXT) -> Self | None:
        """The channel, None when it is not configured."""
        is_bot = bool(settings.slack_bot_token and settings.slack_channel)
        if not (is_bot or settings.slack_webhook_url):
            return None
        return cls(
            style=style_of(settings, context),
            webhook_url=settings.slack_webhook_url,
            bot_token=settings.slack_bot_token if is_bot else NOTHING,
            channel=settings.slack_channel,
            api_url=settings.slack_api_url,
            minimum_severity=settings.slack_minimum_severity,
            has_buttons=bool(settings.slack_signing_secret),
        )

    @property
    def addressable(self) -> bool:
        """A bot writes to people too, by their ids (U...)."""
        return bool(self.bot_token)

    def deliver(self, notice: Notice) -> Receipt:
        end = time.monotonic() + self.deadline_seconds
        content = self._content(notice)
        if not self.bot_token:
            return _tamed(lambda said: self._to_webhook(said, end), content)
        content = {**content, "metadata": _found_by(notice.key)}
        if notice.recipients:
            return self._to_people(notice, content, end)
        place = _Place.of(notice.reference)
        if place is None:
            return self._as_bot({**content, "channel": self.channel}, notice, end)
        return self._in_thread(place, content, notice, end)

    def look_up(self, notice: Notice) -> Receipt | None:
        """Where a notice stands, None when somebody has not got it; DeliveryFailed if it cannot tell."""
        end = time.monotonic() + self.deadline_seconds
        if not self.bot_token:
            raise DeliveryFailed(f"{WHO} can only be asked by a bot", permanent=True)
        if notice.recipients:
            return self._look_up_people(notice, end)
        place = _Place.of(notice.reference) or _Place(self.channel)
        if not _ID.fullmatch(place.channel):
            raise DeliveryFailed(f"{WHO} can only be asked about a channel set by its id", permanent=True)
        found = self._found(place, notice, end)
        return Receipt(found) if found else None

    def check(self) -> None:
        end = time.monotonic() + self.deadline_seconds
        if self.bot_token:
            self._bot(end).ask("auth.test", {})
            return
        answer = self._webhook(end).post({"text": ""})
        if not answer.is_good and answer.body.strip() not in _NOTHING_TO_SAY:
            raise refused(answer, answer.body)

    def _content(self, notice: Notice) -> _Content:
        message = compose(notice, self.style)
        text = escape_slack(f"{message.mark} {message.headline[:150]}")
        blocks: list[dict[str, Any]] = []
        with guard("alerts.blocks"):
            about = f"{notice.alert.id} {notice.alert.fingerprint}" if self.has_buttons else ""
            text, blocks = as_slack(message, about if notice.digest is None else "")
        return {"text": text, "unfurl_links": False, **({"blocks": blocks} if blocks else {})}

    def _in_thread(self, place: _Place, content: _Content, notice: Notice, end: float) -> Receipt:
        """Below the first message of the episode, which is edited; in the channel if that has gone."""
        if notice.kind in _EDITED and not place.is_digest:
            try:
                _tamed(lambda said: self._edit(place, said, end), content)
            except DeliveryFailed as error:
                # Because an old message that cannot be edited is no reason not to tell the news.
                if not error.permanent:
                    raise
        below = {"thread_ts": place.moment, "reply_broadcast": notice.kind in _SHOUTED}
        answer = {**_without_buttons(content), **below, "channel": place.channel}
        try:
            return self._as_bot(answer, notice, end)
        except ThreadRefused:
            return self._as_bot({**content, "channel": place.channel}, notice, end)

    def _to_people(self, notice: Notice, content: _Content, end: float) -> Receipt:
        def post(person: str) -> str:
            return self._as_bot({**content, "channel": person}, notice, end).reference

        _, refused = self._served.each(notice.key, notice.recipients, post)
        return Receipt(refused=refused)

    def _look_up_people(self, notice: Notice, end: float) -> Receipt | None:
        """As its scopes im:write and im:history let a bot do; who has it is not told again."""
        opened = {who: self._bot(end).read("conversations.open", users=who) for who in notice.recipients}
        own = {who: str((said.get("channel") or {}).get("id", "")) for who, said in opened.items()}
        found = {who: self._found(_Place(channel), notice, end) for who, channel in own.items()}
        self._served.add(notice.key, {who: where for who, where in found.items() if where})
        return Receipt() if all(found.values()) else None

    def _found(self, place: _Place, notice: Notice, end: float) -> str:
        """The message of a notice as a receipt names it, "" when it does not stand there."""
        for message in self._messages(place, notice, end):
            found = (message.get("metadata") or {}).get("event_payload") or {}
            if found.get("key") == notice.key:
                return _Place(place.channel, str(message["ts"]), notice.digest is not None).reference
        return ""

    def _as_bot(self, content: _Content, notice: Notice, end: float) -> Receipt:
        def post(said: _Content) -> Receipt:
            posted = self._bot(end).ask("chat.postMessage", said)
            channel = str(posted.get("channel") or said["channel"])
            place = _Place(channel, str(posted.get("ts", "")), notice.digest is not None)
            return Receipt(place.reference)

        return _tamed(post, content)

    def _edit(self, place: _Place, content: _Content, end: float) -> Receipt:
        self._bot(end).ask("chat.update", {**content, "channel": place.channel, "ts": place.moment})
        return Receipt()

    def _to_webhook(self, content: _Content, end: float) -> Receipt:
        answer = self._webhook(end).post(content)
        if not answer.is_good:
            raise refused(answer, answer.body)
        return Receipt()

    def _messages(self, place: _Place, notice: Notice, end: float) -> Iterator[Mapping[str, Any]]:
        """What stands there since the alert began; DeliveryFailed when that is more than can be read."""
        bot = self._bot(end)
        query = {"channel": place.channel, "limit": _ON_A_PAGE, "include_all_metadata": "true"}
        query |= {"oldest": str((notice.alert.started_at - _SKEW).timestamp())}
        query |= {"ts": place.moment} if place.moment else {}
        for _ in range(_PAGES):
            found = bot.read(f"conversations.{'replies' if place.moment else 'history'}", **query)
            yield from found.get("messages") or ()
            query["cursor"] = (found.get("response_metadata") or {}).get("next_cursor") or ""
            if not query["cursor"]:
                return
        raise DeliveryFailed(f"{WHO} has too many messages to look through", permanent=True)

    def _webhook(self, end: float) -> Webhook:
        # Because the SDK takes a fifth of a second to import, which only those pay who use Slack.
        from .slack_client import Webhook

        return Webhook(self.webhook_url.get_secret_value(), end)

    def _bot(self, end: float) -> Bot:
        from .slack_client import Bot

        return Bot(self.bot_token.get_secret_value(), self.api_url, end)


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a message stands: the channel's id and Slack's time stamp; and whether it is a digest."""

    channel: str
    moment: str = ""
    is_digest: bool = False

    @classmethod
    def of(cls, reference: str) -> _Place | None:
        """The place that a receipt names, None when it names none."""
        channel, _, rest = reference.partition(":")
        moment, _, kind = rest.partition(":")
        return cls(channel, moment, kind == "digest") if channel and moment else None

    @property
    def reference(self) -> str:
        """As a receipt names it."""
        return f"{self.channel}:{self.moment}{':digest' if self.is_digest else ''}"


def _tamed(send: Callable[[_Content], Receipt], content: _Content) -> Receipt:
    """Send it, without its blocks if Slack does not take those."""
    try:
        return send(content)
    except LayoutRefused:
        return send({name: value for name, value in content.items() if name != "blocks"})


def _without_buttons(content: _Content) -> _Content:
    blocks = [block for block in content.get("blocks", ()) if block["type"] != "actions"]
    return {**content, "blocks": blocks} if blocks else content


def _found_by(key: str) -> Mapping[str, Any]:
    return {"event_type": "atalaia_notice", "event_payload": {"key": key}}
