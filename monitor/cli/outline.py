"""What a configuration would run, as plain data: what `sonde check` prints, in either form.

Secrets are named by where they come from. Durations are seconds; `detects_within_s` is None where
no hard outage makes the rule fire, and `never_fires` says why. `over_s` is None for a rule over a
fact, which is of no window: its detection time begins when the fact is known.
"""

from collections.abc import Sequence, Sized
from typing import Any

from alerting.detection import (
    Detection,
    Found,
    Unbounded,
    Undetectable,
    after_waiting,
    detection,
)
from alerting.match import labels_of
from alerting.render import fault_of
from alerting.routing.maintenance import Maintenance, occurrence_text
from alerting.routing.route import Route, groups_for
from alerting.routing.silence import matchers_text
from alerting.rule import Rule, Severity, Subject
from monitor.budget.forecast import most_usd
from monitor.cli.idle import idle
from monitor.config.load import Loaded
from monitor.config.values import (
    Alertmanager,
    Apprise,
    Channel,
    Cluster,
    Config,
    Email,
    Influxdb,
    Otlp,
    Pagerduty,
    SlackBot,
    SlackWebhook,
    Webhook,
)
from probes.secret import SecretSource
from probes.target import Provider, Target

# Any: these are JSON objects, whose values differ by key.
Row = dict[str, Any]


def outline(loaded: Loaded, now: float | None = None) -> Row:
    """Return everything the configuration would run, ready for JSON.

    With `now` (wall time) it says when each maintenance is next.
    """
    config = loaded.config
    return {
        "source": config.source,
        "location": config.location,
        "public_url": config.public_url,
        "evaluate_every_s": config.evaluate_every_s,
        "windows_s": list(config.windows_s),
        "store": {
            "path": str(config.store.path),
            "max_size_bytes": config.store.max_size_bytes,
            "retention_results_s": config.store.retention_results_s,
            "retention_minutes_s": config.store.retention_minutes_s,
            "retention_hours_s": config.store.retention_hours_s,
            "influxdb": _influxdb(config.store.influxdb),
        },
        "cluster": _cluster(config.cluster),
        "otlp": _otlp(config.otlp),
        "http": {
            "host": config.http.host,
            "port": config.http.port,
            "token": secret_place(config.http.token),
        },
        "providers": [
            {
                "name": provider.name,
                "preset": provider.preset,
                "base_url": provider.base_url,
                "key": secret_place(provider.api_key),
                "max_concurrency": provider.max_concurrency,
                "connection": connection(provider),
            }
            for provider in config.providers
        ],
        "budgets": [
            {
                "provider": budget.subject or None,
                "daily_usd": budget.daily_usd,
                "timezone": budget.timezone,
                "most_usd": most_usd(budget, config.targets),
            }
            for budget in config.budgets
        ],
        "targets": [_target(target) for target in config.targets],
        "rules": [_rule(rule, config) for rule in config.rules],
        "maintenance": [_maintenance(each, now) for each in config.maintenance],
        "channels": [_channel(channel) for channel in config.channels],
        "routes": [_route(route) for route in config.routes],
        "warnings": [str(warning) for warning in loaded.warnings],
    }


def connection(provider: Provider) -> list[str]:
    """Say what is special about how the provider is reached; [] when nothing is."""
    said = []
    if provider.proxy is not None:
        # One that is written out has no password in it: that is refused.
        said.append(f"proxy {secret_place(provider.proxy) or provider.proxy.read().reveal()}")
    if provider.ca_file is not None:
        said.append(f"roots {provider.ca_file}")
    if provider.client_cert_file is not None:
        said.append(f"certificate {provider.client_cert_file}")
    return said + [f"header {name}" for name, _ in provider.headers]


def secret_place(source: SecretSource | None) -> str | None:
    """Say where a secret comes from; None: there is none."""
    if source is None or (source.variable is None and source.path is None):
        return None
    return f"${{{source.variable}}}" if source.path is None else str(source.path)


def _otlp(otlp: Otlp | None) -> Row | None:
    if otlp is None:
        return None
    return {
        "endpoint": otlp.endpoint,
        "headers": {name: secret_place(source) for name, source in otlp.headers},
        "traces": otlp.traces,
        "metrics": otlp.metrics,
        "every_s": otlp.every_s,
        "temporality": otlp.temporality.value,
    }


def _influxdb(influxdb: Influxdb | None) -> Row | None:
    if influxdb is None:
        return None
    destination, token = influxdb.destination, secret_place(influxdb.token)
    return {
        "url": destination.url,
        "org": destination.org,
        "bucket": destination.bucket,
        "token": token,
    }


def _cluster(cluster: Cluster | None) -> Row | None:
    if cluster is None:
        return None
    return {
        "redis": secret_place(cluster.redis),
        "name": cluster.name,
        "replica": cluster.replica,
        "locations": list(cluster.locations),
    }


def _target(target: Target) -> Row:
    price = target.price
    return {
        "name": target.name,
        "provider": target.provider,
        "model": target.model,
        "operation": str(target.operation),
        "stream": target.stream,
        "interval_s": target.interval_s,
        "deadline_s": target.deadline_s,
        "first_token_deadline_s": target.first_token_deadline_s,
        "idle_deadline_s": target.idle_deadline_s,
        "max_output_tokens": target.max_output_tokens,
        "price": None
        if price is None
        else {
            "input_usd": price.input_usd,
            "output_usd": price.output_usd,
            "as_of": None if price.as_of is None else price.as_of.isoformat(),
            "source": price.source,
            "confirmed": price.confirmed,
        },
        "labels": dict(target.labels),
    }


def _rule(rule: Rule, config: Config) -> Row:
    matching = [t for t in config.targets if rule.match.matches(labels_of(t, config.location))]
    subjects: dict[Subject, Sized] = {
        Subject.TARGET: matching,
        Subject.PROVIDER: {target.provider for target in matching},
        Subject.LOCATION: matching[:1],
    }
    found = _detections(rule, matching, config)
    fires = [(name, each) for name, each in found if isinstance(each, Detection)]
    slowest, worst = max(fires, key=lambda pair: pair[1].seconds, default=("", None))
    return {
        "name": rule.name,
        "severity": str(rule.severity),
        "subject": str(rule.subject),
        "match": {name: list(patterns) for name, patterns in rule.match.fields},
        "series": len(subjects[rule.subject]),
        "when": rule.condition,
        "over_s": rule.over_s or None,
        "for_s": rule.hold_s,
        "keep_firing_for_s": rule.keep_firing_for_s,
        "min_samples": rule.min_samples,
        "min_failures": rule.min_failures,
        "detects_within_s": None if worst is None else worst.seconds,
        "slowest_target": slowest or None,
        "quickest_s": min((each.seconds for _, each in fires), default=None),
        "outage": None if worst is None else worst.outage,
        "formula": None if worst is None else worst.formula,
        "never_fires": [
            {"target": name, "reason": each.reason}
            for name, each in found
            if isinstance(each, Undetectable)
        ],
        "not_bounded": [
            {"target": name, "reason": each.reason}
            for name, each in found
            if isinstance(each, Unbounded)
        ],
    }


def _maintenance(maintenance: Maintenance, now: float | None) -> Row:
    found = None if now is None else maintenance.next(now)
    return {
        "times": maintenance.text,
        "match": matchers_text(maintenance.match),
        "starts_at": None if found is None else found.starts_at,
        "ends_at": None if found is None else found.ends_at,
        "next": None if found is None else occurrence_text(found, maintenance.timezone),
    }


def _detections(rule: Rule, targets: Sequence[Target], config: Config) -> list[tuple[str, Found]]:
    """Return how soon the rule tells of each target; a thousand alike are computed once."""
    known: dict[tuple[object, ...], Found] = {}
    found: list[tuple[str, Found]] = []
    for target in targets:
        if (reason := idle(rule, target, config)) is not None:
            found.append((target.name, Undetectable(reason)))
            continue
        alike = (
            target.operation,
            target.stream,
            target.interval_s,
            target.deadline_s,
            target.first_token_deadline_s,
            target.idle_deadline_s,
        )
        if alike not in known:
            known[alike] = detection(
                rule,
                target,
                evaluate_every_s=config.evaluate_every_s,
                longest_s=max(config.windows_s),
            )
        found.append((target.name, after_waiting(known[alike], _wait_s(rule, target, config))))
    return found


def _wait_s(rule: Rule, target: Target, config: Config) -> float:
    """Return how long the slowest channel waits for more alerts like the rule's; 0 without one."""
    own = {"alertname": rule.name, "severity": rule.severity.value, "fault": fault_of(rule.when)}
    labels = {**labels_of(target, config.location), **dict(rule.labels), **own}
    timings = groups_for(labels, config.routes).values()
    return max((timing.wait_s[rule.severity] for timing in timings), default=0.0)


def _route(route: Route) -> Row:
    timing = route.timing
    return {
        "match": matchers_text(route.match) or "everything",
        "channels": list(route.channels),
        "group_by": list(route.group_by),
        "wait_s": {severity.value: timing.wait_s[severity] for severity in Severity},
        "interval_s": timing.interval_s,
        "repeat_s": timing.repeat_s,
        "continue": route.goes_on,
        "alone": sorted(route.grouping),
    }


def _channel(channel: Channel) -> Row:
    if isinstance(channel, SlackWebhook):
        return {"name": channel.name, "type": "slack", "webhook_url": secret_place(channel.url)}
    if isinstance(channel, SlackBot):
        return {
            "name": channel.name,
            "type": "slack",
            "bot_token": secret_place(channel.token),
            "channel": channel.channel,
        }
    if isinstance(channel, Webhook):
        return {
            "name": channel.name,
            "type": "webhook",
            "url": secret_place(channel.url),
            "signed": bool(channel.secrets),
            "allow_http": channel.allow_http,
            "allow_private": channel.allow_private,
        }
    return {"name": channel.name, "type": channel.kind, **_destination(channel)}


def _destination(channel: Pagerduty | Email | Alertmanager | Apprise) -> Row:
    match channel:
        case Pagerduty():
            return {"routing_key": secret_place(channel.routing_key), "url": channel.url}
        case Email():
            return {"smtp": channel.smtp, "from": channel.sender, "to": list(channel.to)}
        case Alertmanager():
            return {"urls": list(channel.urls)}
        case Apprise():
            return {"url": secret_place(channel.url)}
