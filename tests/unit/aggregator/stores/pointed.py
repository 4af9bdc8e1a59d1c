"""An InfluxDB in memory: points of `api_probe`, asked as `influxdb_points` asks."""

from dataclasses import dataclass, field
from typing import Final

from aggregator.stores.influxql import QueryError, Row

NS: Final = 10**9


def point(at_s: float, **said: object) -> Row:
    """Return a healthy point, with what is said instead."""
    row: Row = dict.fromkeys(
        (
            "first_token_ms",
            "inter_token_ms",
            "output_tokens_per_s",
            "tokens_input",
            "tokens_output",
            "tokens_cached",
            "cost_usd",
        )
    )
    row |= {
        "time": round(at_s * NS),
        "target": "chat",
        "provider": "p",
        "model": "m",
        "operation": "chat",
        "location": "here",
        "attempt": "1",
        "verdict": "ok",
        "fault": "none",
        "latency_ms": 250.0,
        "latency_tainted": False,
    }
    return row | said


@dataclass
class Pointed:
    """Answers the newest points, at most `most` at once whatever is asked."""

    points: list[Row]
    most: int = 10_000
    asked: list[int] = field(default_factory=list)
    """The end of each question."""
    refusal: str | None = None

    async def rows(self, query: str, **params: str | int) -> list[Row]:
        """Answer one question of ours."""
        if self.refusal is not None:
            raise QueryError(self.refusal)
        since, until = int(params["since"]), int(params["until"])
        self.asked.append(until)
        limit = min(int(query.rpartition(" ")[2]), self.most)
        wanted = [
            row
            for row in self.points
            if since <= row["time"] < until
            and row["location"] == params["location"]
            and row["target"] == params.get("target", row["target"])
        ]
        return sorted(wanted, key=lambda row: int(row["time"]), reverse=True)[:limit]
