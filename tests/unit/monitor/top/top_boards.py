"""Overviews as a daemon tells them, for the tests of `sonde top`."""

from monitor.api.models.alerts import AlertRow
from monitor.api.models.instance import Check, Instance
from monitor.api.models.live import Overview
from monitor.api.models.targets import (
    Figures,
    Last,
    Quantile,
    Spark,
    Strip,
    TargetNow,
    TargetRow,
)

STRIP = Strip(since=0.0, step_s=3600, n=[], provider=[], other=[], missed=[])


def instance(**said: object) -> Instance:
    usual = {
        "version": "1.2.3",
        "location": "fra1",
        "configuration": "sonde.yaml",
        "now": 1_000.0,
        "started_at": 0.0,
        "ready": True,
        "checks": [Check(name="ledger", ok=True, detail="takes writes")],
        "reload": None,
        "targets": 1,
        "window": "15m",
        "window_s": 900.0,
    }
    return Instance.model_validate(usual | said)


def figures(p95_s: float | None = None, error_rate: float | None = None) -> Figures:
    quantile = None if p95_s is None else Quantile(value=p95_s, lower_bound=p95_s > 20.0)
    nothing = dict.fromkeys(
        (
            *("p50_s", "p99_s", "first_token_p50_s", "first_token_p95_s", "inter_token_p50_s"),
            *("tokens_per_s_p50", "coverage", "cost_usd"),
        )
    )
    return Figures.model_validate(
        {
            **nothing,
            "window": "15m",
            "window_s": 900.0,
            "samples": 1,
            "missed": 0,
            "p95_s": quantile,
            "error_rate": error_rate,
            "by_fault": {},
            "by_verdict": {},
        }
    )


def target(name: str, rank: int = 0, level: str = "ok", **said: object) -> TargetNow:
    usual = {
        "name": name,
        "provider": "openai",
        "model": f"model-of-{name}",
        "operation": "chat",
        "stream": True,
        "interval_s": 60.0,
        "labels": {},
        "rank": rank,
        "level": level,
        "last": None,
        "figures": figures(),
    }
    return TargetNow.model_validate(usual | said)


def row(name: str, rank: int = 0, level: str = "ok", **said: object) -> TargetRow:
    spark = Spark(since=0.0, step_s=3600, p50_s=[], p95_s=[1.0, 2.0], first_token_p50_s=[])
    now = target(name, rank, level, **said)
    return TargetRow(now=now, day=STRIP, month=STRIP, spark=spark)


def last(verdict: str = "ok", fault: str = "none", at: float = 990.0) -> Last:
    return Last(
        at=at,
        verdict=verdict,
        fault=fault,
        detail="",
        hint="",
        total_s=1.0,
        first_token_s=None,
        status=200,
    )


def alert(name: str, **said: object) -> AlertRow:
    usual = {
        "fingerprint": "4f1c",
        "name": name,
        "severity": "critical",
        "state": "firing",
        "subject": "chat",
        "targets": ["chat"],
        "provider": "openai",
        "fault": "provider",
        "value": "3",
        "condition": "",
        "since": 3_600.0,
        "fired_at": None,
        "clear_since": None,
        "channels": [],
        "notes": [],
        "annotations": {},
        "labels": {},
    }
    return AlertRow.model_validate(usual | said)


def overview(*rows: TargetRow, alerts: tuple[AlertRow, ...] = (), **said: object) -> Overview:
    return Overview(instance=instance(**said), targets=list(rows), alerts=list(alerts))
