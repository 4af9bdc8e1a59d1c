"""Notifications of groups to test with."""

from dataclasses import replace
from typing import Any

from alerting.notification import News, Notification, Status
from alerting.rule import Severity
from tests.unit.alerting.messages import FIRING, NOW, RESOLVED


def news(notification: Notification, **said: Any) -> News:  # Any: fields of all types
    """Return a notification's own news, with what is said instead."""
    fields = {name: getattr(notification, name) for name in News.__dataclass_fields__}
    return News(**fields | said)


def others(number: int, **said: Any) -> tuple[News, ...]:  # Any: as above
    """Return news of so many further alerts that fire."""
    return tuple(
        news(
            FIRING,
            **{
                "alertname": f"Slow{each}",
                "fingerprint": f"{each:016x}",
                "summary": f"chat-{each}: slow",
            }
            | said,
        )
        for each in range(number)
    )


_SHARED = {
    "group": (("provider", "openai"), ("fault", "provider"), ("team", "")),
    "group_id": "g" * 24,
    "thread": "t" * 24,
}
GROUP = replace(
    FIRING,
    id="msg_group",
    severity=Severity.CRITICAL,
    annotations=(("summary", "page the ml team"), ("runbook_url", "https://wiki.example/slow")),
    notes=("newest failure: http_5xx, fault provider",),
    others=(*others(2), news(RESOLVED, alertname="Errors", fingerprint="e" * 16)),
    **_SHARED,
)
"""Three fire, one is over."""
OVER = replace(
    RESOLVED,
    id="msg_group_over",
    why="all_resolved",
    others=others(
        2, status=Status.RESOLVED, starts_at=NOW - 3_000, ends_at=NOW + 60, severity=Severity.INFO
    ),
    **_SHARED,
)
"""All three are over."""
HUGE = replace(GROUP, others=others(30), more=7)
HOSTILE = (
    "<!channel> @everyone @here <@U1> <!here|x> <!subteam^S1> line\nbreak \u202e"
    " sk-abcdefghijklmnop"
)


def hostile() -> Notification:
    """Return a group whose every text tries to call somebody."""
    said: dict[str, Any] = {
        "alertname": HOSTILE,
        "summary": HOSTILE,
        "value": HOSTILE,
        "notes": (HOSTILE,),
        "labels": (("target", HOSTILE), ("team", HOSTILE)),
    }
    return replace(
        GROUP, group=(("provider", HOSTILE),), others=others(12, **said), url=None, **said
    )
