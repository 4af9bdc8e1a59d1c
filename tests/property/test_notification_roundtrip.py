"""The outbox keeps a notification exactly."""

from hypothesis import given
from hypothesis import strategies as st

from alerting.notification import Notification, Status
from alerting.outbox import decode, encode
from alerting.rule import Severity

texts = st.text()
times = st.floats(allow_nan=False, allow_infinity=False)

notifications = st.builds(
    Notification,
    id=texts,
    status=st.sampled_from(Status),
    alertname=texts,
    severity=st.sampled_from(Severity),
    labels=st.lists(st.tuples(texts, texts)).map(tuple),
    fingerprint=texts,
    condition=texts,
    value=texts,
    summary=texts,
    starts_at=times,
    fired_at=times,
    ends_at=st.none() | times,
    url=st.none() | texts,
    notes=st.lists(texts).map(tuple),
)


@given(notifications)
def test_a_notification_survives_the_outbox(notification: Notification) -> None:
    """Reading a row gives back the very value that was written, and text SQLite can hold."""
    payload = encode(notification)
    assert decode(payload) == notification
    assert payload.isascii()
