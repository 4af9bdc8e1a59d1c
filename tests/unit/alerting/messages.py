"""Notifications to test with."""

from dataclasses import replace

from alerting.notification import Notification, Status
from alerting.rule import Severity

NOW = 1_700_000_000.0

FIRING = Notification(
    id="msg_firing",
    status=Status.FIRING,
    alertname="HighLatency",
    severity=Severity.WARNING,
    labels=(
        ("alertname", "HighLatency"),
        ("model", "gpt-4o-mini"),
        ("provider", "openai"),
        ("severity", "warning"),
        ("target", "gpt-chat"),
        ("team", "ml"),
    ),
    fingerprint="00ff00ff00ff00ff",
    condition="latency.p95 > 5s",
    value="8.2 s",
    summary="gpt-chat (openai/gpt-4o-mini): latency.p95 8.2 s > 5 s for 2m — provider",
    starts_at=NOW - 120,
    fired_at=NOW,
    url="https://sonde.example/",
)
RESOLVED = replace(
    FIRING,
    id="msg_resolved",
    status=Status.RESOLVED,
    summary="gpt-chat (openai/gpt-4o-mini): HighLatency is over after 14m",
    ends_at=NOW + 720,
)


def firing(alert: str, number: int = 1) -> Notification:
    """Return a notification that `alert` fired, for the `number`-th time."""
    return replace(FIRING, id=f"msg_{alert}_firing_{number}", alertname=alert, fingerprint=alert)


def resolved(alert: str, number: int = 1) -> Notification:
    """Return the notification that closes `firing(alert, number)`."""
    return replace(
        RESOLVED, id=f"msg_{alert}_resolved_{number}", alertname=alert, fingerprint=alert
    )
