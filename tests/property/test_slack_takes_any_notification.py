"""Whatever a notification says, Slack takes the message made of it."""

from hypothesis import given
from hypothesis import strategies as st

from alerting.notification import Notification, Status
from alerting.rule import Severity
from alerting.slack_message import slack_message
from tests.standins.slack import fault_in

TEXTS = st.text(max_size=40) | st.text("&<>\n\u200b \N{GRINNING FACE}", max_size=400)
TIMES = st.floats(0, 4e9)
NOTIFICATIONS = st.builds(
    Notification,
    id=TEXTS,
    status=st.sampled_from(Status),
    alertname=TEXTS,
    severity=st.sampled_from(Severity),
    labels=st.lists(
        st.tuples(st.sampled_from(("target", "provider", "model", "team")) | TEXTS, TEXTS),
        max_size=24,
    ).map(tuple),
    fingerprint=TEXTS,
    condition=TEXTS,
    value=TEXTS,
    summary=TEXTS.map("everything: ".__add__),  # it names somebody, always
    starts_at=TIMES,
    fired_at=TIMES,
    ends_at=st.none() | TIMES,
    url=st.none() | st.text("/ab", max_size=2_000).map("https://sonde.example/".__add__),
    notes=st.lists(TEXTS, max_size=12).map(tuple),
)


@given(NOTIFICATIONS)
def test_every_message_keeps_every_limit(notification: Notification) -> None:
    """Empty, long, hostile and invisible text alike: nothing Slack documents is violated."""
    message = slack_message(notification)
    assert fault_in(message, {"text", "blocks", "unfurl_links", "unfurl_media"}) is None
