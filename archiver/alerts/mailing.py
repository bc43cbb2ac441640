"""Tells what a saved search has found by mail."""

from __future__ import annotations

import smtplib
import ssl
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import Any

from archiver.config import MailServer
from archiver.errors import ConfigError, counted
from archiver.jsontext import encode
from archiver.visible import safe

_SHOWN = 100  # matches in the text; all are in the JSON
_WITHIN_S = 15.0


def send_mail(server: MailServer | None, to: str, content: dict[str, Any]) -> None:
    """Sends an alert to an address: its words as text, and the alert as JSON beside them. The Message-ID is made from
    the alert's id: what is sent twice can be known by it. Raises ConfigError, OSError.
    """
    if server is None:
        raise ConfigError("no mail server is set", hint="Set mail_server and mail_from.")
    context = ssl.create_default_context()
    if server.is_encrypted_at_once:
        with smtplib.SMTP_SSL(server.host, server.port, timeout=_WITHIN_S, context=context) as client:
            _hand_over(client, server, _mail(server.sender, to, content))
        return
    with smtplib.SMTP(server.host, server.port, timeout=_WITHIN_S) as client:
        client.ehlo_or_helo_if_needed()
        if client.has_extn("starttls"):
            client.starttls(context=context)
        elif not server.is_open:
            raise ConfigError(f"{server.host} offers no encryption (STARTTLS)", hint="Set another mail_server.")
        _hand_over(client, server, _mail(server.sender, to, content))


def _hand_over(client: smtplib.SMTP, server: MailServer, mail: EmailMessage) -> None:
    if server.username and server.password:
        client.login(server.username, server.password.reveal())
    client.send_message(mail)


def _mail(sender: str, to: str, content: dict[str, Any]) -> EmailMessage:
    mail, matches = EmailMessage(policy=SMTP), content["matches"]
    mail["From"], mail["To"] = sender, to
    subject = safe(f"{content['search']}: {counted(len(matches), 'result')}")
    mail["Subject"] = subject.replace("=?", "= ?")  # Python reads encoded words in it, which may hold line breaks
    mail["Date"] = format_datetime(datetime.fromisoformat(content["at"]))
    mail["Message-ID"] = f"<{content['id'].encode().hex()}@{sender.partition('@')[2]}>"
    mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: no answer from a holiday
    mail.set_content("\n".join(_lines(content)))
    mail.add_attachment(encode(content), maintype="application", subtype="json", filename="alert.json")
    return mail


def _lines(content: dict[str, Any]) -> list[str]:
    matches = content["matches"]
    lines = [
        f"The saved search {content['search']} has found {counted(len(matches), 'result')}: {content['query']}",
        "",
    ]
    for match in matches[:_SHOWN]:
        number = f" #{match['number']}" if match["number"] else ""
        lines.append(f"{match['sent_at'] or ''}  {match['conversation_id']}{number}  {match['skill'] or ''}".strip())
        lines += [f"    {line}" for line in (match.get("text") or "").splitlines()]
    if len(matches) > _SHOWN:
        lines.append(f"and {len(matches) - _SHOWN:,} more, in alert.json")
    return [safe(line) for line in [*lines, "", f"To read one: archiver show {matches[0]['conversation_id']}"]]
