"""Tells by e-mail, through any SMTP server.

Settings: SMTP_HOST, SMTP_PORT, SMTP_USERNAME, SMTP_PASSWORD, SMTP_SECURITY, SMTP_CA_FILE,
ALERT_EMAIL_FROM, ALERT_EMAIL_TO, ALERT_EMAIL_MINIMUM_SEVERITY.

All mails of one episode are one thread: they refer to the same root and have the same subject. The
Message-ID is that of the notice, so that a repetition after a crash can be recognised. A recipient
that the server refuses for good is reported; one that it refuses for now is tried again, alone.
"""

from __future__ import annotations

import smtplib
import socket
import ssl
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from email.utils import format_datetime, localtime
from functools import cache, partial
from typing import Any, Self, TypeVar

from pydantic import SecretStr

from ...core.errors import DeliveryFailed
from ...core.guard import guard
from ...core.signal import Severity
from ..facts import printable
from ..message import Style, compose
from ..model import Kind, Notice, Receipt
from ..rendering import as_html, as_text
from ..settings import AlertSettings
from .deadline import Lifeline, reason_of, within
from .recipients import Served
from .style import NO_CONTEXT, NOTHING, Context, style_of

_WHO = "the mail server"
_DEADLINE_SECONDS = 14.0

# Because a long Message-ID would else begin on a line of its own, which not every reader takes.
_POLICY = SMTP_POLICY.clone(max_line_length=200)

_T = TypeVar("_T")


@dataclass(frozen=True)
class EmailChannel:
    """One SMTP server, one sender, some recipients."""

    host: str
    port: int
    security: str
    sender: str
    recipients: tuple[str, ...]
    style: Style
    username: str = ""
    password: SecretStr = NOTHING
    ca_file: str = ""
    minimum_severity: Severity = Severity.LOW
    deadline_seconds: float = _DEADLINE_SECONDS
    name: str = "email"
    addressable: bool = True
    _served: Served = field(default_factory=Served, repr=False)

    @classmethod
    def from_settings(cls, settings: AlertSettings, context: Context = NO_CONTEXT) -> Self | None:
        """The channel, None when it is not configured."""
        if not (settings.smtp_host and settings.email_from and settings.email_to):
            return None
        return cls(
            host=settings.smtp_host,
            port=settings.smtp_port,
            security=settings.smtp_security,
            sender=settings.email_from,
            recipients=settings.email_to,
            style=style_of(settings, context),
            username=settings.smtp_username,
            password=settings.smtp_password,
            ca_file=settings.smtp_ca_file,
            minimum_severity=settings.email_minimum_severity,
        )

    def deliver(self, notice: Notice) -> Receipt:
        wanted = notice.recipients or self.recipients
        mail = self._mail(notice, wanted)
        recipients = self._served.missing(notice.key, wanted)
        refused = within(self.deadline_seconds, _WHO, partial(self._send, mail, recipients))
        later = [recipient for recipient, (code, _) in refused.items() if code < 500]
        for_good = {who: DeliveryFailed(who, permanent=True) for who in refused if who not in later}
        self._served.add(notice.key, {**dict.fromkeys(set(recipients) - set(refused), ""), **for_good})
        if later:
            fact = f"{_WHO} refused {len(later)} of {len(recipients)} recipients for now"
            raise DeliveryFailed(fact, uncertain=True)  # Because the others have it.
        known = self._served.forget(notice.key)
        names = tuple(who for who, outcome in known.items() if isinstance(outcome, DeliveryFailed))
        return Receipt(reference=str(mail["Message-ID"]), refused=names)

    def check(self) -> None:
        within(self.deadline_seconds, _WHO, self._sign_in)

    def _mail(self, notice: Notice, recipients: Sequence[str]) -> EmailMessage:
        message = compose(notice, self.style)
        domain = self.sender.rpartition("@")[2]
        mail = EmailMessage(_POLICY)
        mail["From"] = self.sender
        mail["To"] = ", ".join(recipients)
        mail["Subject"] = printable(message.subject, 200)
        mail["Date"] = format_datetime(localtime())
        mail["Message-ID"] = f"<{notice.key}@{domain}>"
        if notice.kind is not Kind.DIGEST:
            mail["In-Reply-To"] = mail["References"] = f"<{notice.alert.id}@{domain}>"
            mail["X-Alert-Id"] = notice.alert.id
        mail["Auto-Submitted"] = "auto-generated"
        mail["X-Alert-State"] = notice.kind.value
        mail["X-Alert-Severity"] = notice.alert.severity.value
        mail.set_content(as_text(message), cte="quoted-printable")
        with guard("alerts.html"):
            mail.add_alternative(as_html(message), subtype="html", cte="quoted-printable")
        return mail

    def _send(
        self, mail: EmailMessage, recipients: list[str], lifeline: Lifeline
    ) -> dict[str, tuple[int, bytes]]:
        """Whom the server refused, and how."""
        return self._talk(lifeline, lambda server: server.send_message(mail, self.sender, recipients))

    def _sign_in(self, lifeline: Lifeline) -> None:
        self._talk(lifeline, lambda server: server.noop())

    def _talk(self, lifeline: Lifeline, say: Callable[[smtplib.SMTP], _T]) -> _T:
        try:
            server = self._connected(lifeline)
            try:
                self._enter(server)
                said = say(server)
                # Because the mail is accepted by now, and a server that parts badly must not undo that.
                with suppress(OSError, smtplib.SMTPException):
                    server.putcmd("QUIT")
            finally:
                server.close()
        except (smtplib.SMTPException, OSError) as error:
            raise _failure(error, lifeline) from None
        return said

    def _connected(self, lifeline: Lifeline) -> smtplib.SMTP:
        if self.security == "tls":
            return _TlsServer(lifeline, self.host, self.port, self.deadline_seconds, _trust(self.ca_file))
        return _Server(lifeline, self.host, self.port, self.deadline_seconds)

    def _enter(self, server: smtplib.SMTP) -> None:
        if self.security == "starttls":
            server.starttls(context=_trust(self.ca_file))
        if self.username:
            server.login(self.username, self.password.get_secret_value())


class _Server(smtplib.SMTP):
    """Gives its socket into keeping before anything is read from it."""

    def __init__(self, lifeline: Lifeline, host: str, port: int, seconds: float) -> None:
        self._lifeline = lifeline
        # Because smtplib would else look this host up in the name service, which can hang.
        super().__init__(host, port, local_hostname=socket.gethostname(), timeout=seconds)

    def send(self, s: Any) -> None:
        super().send(s)
        # Because what comes after the lone dot can only be the answer to the mail.
        self._lifeline.handed_over |= isinstance(s, bytes) and s.endswith(b"\r\n.\r\n")

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        connection: socket.socket = super()._get_socket(host, port, timeout)  # type: ignore[misc]
        self._lifeline.keep(connection)
        return connection


class _TlsServer(smtplib.SMTP_SSL, _Server):
    """The same; the order of its bases puts keeping before the handshake."""

    def __init__(
        self, lifeline: Lifeline, host: str, port: int, seconds: float, trust: ssl.SSLContext
    ) -> None:
        self._lifeline = lifeline
        name = socket.gethostname()
        smtplib.SMTP_SSL.__init__(self, host, port, local_hostname=name, timeout=seconds, context=trust)


@cache
def _trust(ca_file: str) -> ssl.SSLContext:
    trust = ssl.create_default_context()
    if ca_file:
        trust.load_verify_locations(ca_file)
    return trust


def _failure(error: smtplib.SMTPException | OSError, lifeline: Lifeline) -> DeliveryFailed:
    """Temporary or permanent, by the first digit of the reply, whose text may hold secrets."""
    match error:
        case smtplib.SMTPAuthenticationError():
            fact, hint, codes = (
                "refused the login",
                "Check SMTP_USERNAME and SMTP_PASSWORD.",
                [error.smtp_code],
            )
        case smtplib.SMTPRecipientsRefused():
            codes = [code for code, _ in error.recipients.values()]
            fact, hint = "refused every recipient", "Check ALERT_EMAIL_TO."
        case smtplib.SMTPResponseException():
            codes = [error.smtp_code]
            fact, hint = "refused the mail", "Check ALERT_EMAIL_FROM, and what the server's own log says."
        case smtplib.SMTPNotSupportedError():
            codes, fact, hint = [502], "does not offer STARTTLS or a login", "Check SMTP_SECURITY."
        case _:
            reason = reason_of(error)
            hint = "Check SMTP_HOST, SMTP_PORT and SMTP_SECURITY (port 465 is tls, 587 is starttls)."
            fact = f"{_WHO} cannot be used ({reason})"
            return DeliveryFailed(fact, hint, uncertain=lifeline.handed_over)
    return DeliveryFailed(f"{_WHO} {fact} ({max(codes)})", hint, permanent=500 <= min(codes) < 600)
