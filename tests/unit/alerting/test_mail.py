"""An alert as an e-mail, without sending it."""

from dataclasses import replace
from email.message import EmailMessage

from alerting.mail import mail
from alerting.notification import Notification
from tests.unit.alerting.groups import GROUP, OVER
from tests.unit.alerting.messages import FIRING, NOW, RESOLVED


def made(notification: Notification) -> EmailMessage:
    """Return the mail about it."""
    return mail(
        notification, sender="sonde@example.com", recipients=("a@example.com",), sent_at=NOW
    )


def part(message: EmailMessage, kind: str) -> str:
    """Return the text of one part."""
    body = message.get_body((kind,))
    assert body is not None
    return str(body.get_content())


def test_both_parts_say_the_same() -> None:
    """Text for those who read text, HTML for the others; links in both."""
    message = made(replace(FIRING, notes=("a < b",)))
    assert message.get_content_type() == "multipart/alternative"
    assert "Note: a < b" in part(message, "plain")
    assert "<td>a &lt; b</td>" in part(message, "html")
    assert "href='https://sonde.example/'" in part(message, "html")
    assert "href" not in part(made(replace(FIRING, url=None)), "html")


def test_headers_are_those_of_a_machine() -> None:
    """It asks for no reply of a machine, and says how bad it is."""
    message = made(FIRING)
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["X-Sonde-Severity"] == "warning"
    assert message["Date"] == "Tue, 14 Nov 2023 22:13:20 +0000"
    assert message["Message-ID"] == "<msg_firing@example.com>"
    assert message["References"] == made(RESOLVED)["References"] == "<00ff00ff00ff00ff@example.com>"


def test_no_label_writes_a_header_or_html() -> None:
    """A line break in a name ends nothing, a tag is text."""
    hostile = "x\r\nBcc: all@example.com\n\n<script>alert(1)</script>"
    labels = (("target", hostile),)
    message = made(replace(FIRING, alertname=hostile, summary=hostile, labels=labels))
    assert message["Bcc"] is None
    raw = message.as_bytes()
    assert b"\nBcc:" not in raw
    assert "<script>" not in part(message, "html")


def test_a_group_is_one_mail_in_one_thread() -> None:
    """The loudest first, a list of the others, the runbook to click on."""
    firing, over = made(GROUP), made(OVER)
    assert firing["Subject"] == "Alerts: openai, fault provider"
    assert over["Subject"] == "Re: Alerts: openai, fault provider"
    assert firing["References"] == over["References"]
    html = part(firing, "html")
    assert "openai, fault provider: 3 alerts fire, 1 over" in html
    assert "<p>critical HighLatency: gpt-chat" in html
    assert "<li>warning Slow0: chat-0: slow</li>" in html
    assert "<a href='https://wiki.example/slow'>Runbook</a>" in html
    assert "<ul>" not in part(made(FIRING), "html")
