"""A group of alerts as an e-mail: text and HTML, in one thread with the mail that ends it."""

from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from html import escape

from alerting.message import (
    facts,
    headline,
    is_group,
    line_of,
    lines,
    links,
    standing,
    subject,
    text,
    word,
)
from alerting.notification import Notification, Status


def mail(
    notification: Notification, *, sender: str, recipients: tuple[str, ...], sent_at: float
) -> EmailMessage:
    """Return the mail about a notification, as it leaves at wall time `sent_at`.

    Its Message-ID is the same on every attempt. All mails about a group's run refer to one root,
    which nobody need have got; for Gmail the subject must be the same as well, so an end says Re:
    and its first line says RESOLVED.
    https://www.rfc-editor.org/rfc/rfc5322#section-3.6.4
    """
    message = EmailMessage(SMTP)  # refuses line breaks in headers, whatever is put there
    firing = notification.status is Status.FIRING
    message["From"], message["To"] = sender, ", ".join(recipients)
    message["Subject"] = subject(notification) if firing else f"Re: {subject(notification)}"
    message["Date"] = format_datetime(datetime.fromtimestamp(sent_at, UTC))
    domain = sender.rpartition("@")[2].rstrip(">")
    message["Message-ID"] = f"<{notification.id}@{domain}>"
    message["In-Reply-To"] = message["References"] = f"<{notification.incident}@{domain}>"
    message["Auto-Submitted"] = "auto-generated"  # no holiday notes back: RFC 3834
    message["X-Sonde-Severity"] = notification.severity.value
    message.set_content(text(notification))
    message.add_alternative(_html(notification), subtype="html")
    return message


def _html(notification: Notification) -> str:
    rows = "".join(
        f"<tr><th align='left'>{title}</th><td>{escape(fact)}</td></tr>\n"
        for title, fact in facts(notification)
    )
    told = f"<p><b>{word(notification)}</b>: {escape(headline(notification))}</p>\n"
    if is_group(notification):
        line = f"{standing(notification)} {line_of(notification)}"
        told += f"<p>{escape(line)}</p>\n"
    told += f"<table>\n{rows}</table>\n"
    if others := "".join(f"<li>{escape(line)}</li>\n" for line in lines(notification)):
        told += f"<ul>\n{others}</ul>\n"
    for title, url in links(notification):
        told += f"<p><a href='{escape(url)}'>{escape(title)}</a></p>\n"
    return told
