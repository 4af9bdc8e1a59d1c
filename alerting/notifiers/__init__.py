"""The registry of notifiers: the one place that knows their kinds.

A kind's module is imported when a channel of that kind is configured, and not before: the Slack SDK
takes 0.4 s to import, which a daemon without Slack need not spend.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

from alerting.notification import Notifier

# Settings are Any below: each kind has its own, and its constructor is the judge of them.


def _slack_webhook(**settings: Any) -> Notifier:  # noqa: ANN401 - as said above
    from alerting.notifiers.slack import SlackWebhookNotifier  # noqa: PLC0415 - lazy registry

    return SlackWebhookNotifier(**settings)


def _slack_bot(**settings: Any) -> Notifier:  # noqa: ANN401 - as said above
    from alerting.notifiers.slack_bot import SlackBotNotifier  # noqa: PLC0415 - lazy registry

    return SlackBotNotifier(**settings)


def _webhook(**settings: Any) -> Notifier:  # noqa: ANN401 - as said above
    from alerting.notifiers.webhook import WebhookNotifier  # noqa: PLC0415 - lazy registry

    return WebhookNotifier(**settings)


def _pagerduty(**settings: Any) -> Notifier:  # noqa: ANN401 - as said above
    from alerting.notifiers.pagerduty import PagerdutyNotifier  # noqa: PLC0415 - lazy registry

    return PagerdutyNotifier(**settings)


def _email(**settings: Any) -> Notifier:  # noqa: ANN401 - as said above
    from alerting.notifiers.email import EmailNotifier  # noqa: PLC0415 - lazy registry

    return EmailNotifier(**settings)


def _alertmanager(**settings: Any) -> Notifier:  # noqa: ANN401 - as said above
    from alerting.notifiers.alertmanager import AlertmanagerNotifier  # noqa: PLC0415 - lazy registry

    return AlertmanagerNotifier(**settings)


def _apprise(**settings: Any) -> Notifier:  # noqa: ANN401 - as said above
    from alerting.notifiers.apprise import AppriseNotifier  # noqa: PLC0415 - lazy registry

    return AppriseNotifier(**settings)


KINDS: Final[Mapping[str, Callable[..., Notifier]]] = MappingProxyType(
    {
        "slack_webhook": _slack_webhook,
        "slack_bot": _slack_bot,
        "webhook": _webhook,
        "pagerduty": _pagerduty,
        "email": _email,
        "alertmanager": _alertmanager,
        "apprise": _apprise,
    }
)


def build(kind: str, **settings: Any) -> Notifier:  # noqa: ANN401 - as said above
    """Return a notifier of `kind` with its constructor's settings. Raises KeyError if unknown."""
    return KINDS[kind](**settings)
