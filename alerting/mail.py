"""An alert as an e-mail: text and HTML, in one thread with the mail that says it is over."""

from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from html import escape

from alerting.message import facts, headline, subject, text, word
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
    url = notification.url
    link = f"<p><a href='{escape(url)}'>Open Sonde</a></p>\n" if url is not None else ""
    line = escape(headline(notification))
    return f"<p><b>{word(notification)}</b>: {line}</p>\n<table>\n{rows}</table>\n{link}"
