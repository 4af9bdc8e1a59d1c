"""An LLM monitor as a usual tutorial would write it: short, plausible, and wrong in eleven ways.

Kept as the yardstick for tests/integration/test_tutorial_bugs.py. Every method is a pattern seen in
the wild; none of it is used by Sonde.
"""

import asyncio
import os
import sqlite3
import time
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np
from openai import APIError, AsyncOpenAI
from slack_sdk.web.async_client import AsyncWebClient


@dataclass
class Result:
    model: str
    success: bool
    latency: float
    status_code: int
    error: str = ""
    timestamp: datetime = field(default_factory=datetime.now)


class Monitor:
    def __init__(self, base_url, api_key, db=":memory:", timeout=30):
        self.client = AsyncOpenAI(base_url=base_url, api_key=api_key, timeout=timeout)
        self.results = []
        self.latest = {}
        self.breach_started = {}
        self.db = sqlite3.connect(db)
        self.db.execute("CREATE TABLE IF NOT EXISTS results (model, latency, success)")
        self.running = False
        self.rate_limits = defaultdict(dict)

    async def probe(self, model):
        start = time.time()
        try:
            await self.client.chat.completions.create(
                model=model, messages=[{"role": "user", "content": "ping"}], max_tokens=16
            )
            result = Result(model, True, time.time() - start, 200)
        except APIError as e:
            result = Result(
                model, False, time.time() - start, getattr(e, "status_code", 500), str(e)
            )
        self.results.append(result)
        self.store(result)
        return result

    def store(self, result):
        row = (result.model, result.latency, result.success)
        self.db.execute("INSERT INTO results VALUES (?, ?, ?)", row)
        self.db.commit()

    def percentile(self, q):
        return float(np.percentile([r.latency for r in self.results], q))

    def read_rate_limits(self, headers):
        return {
            "remaining": int(headers.get("x-ratelimit-remaining-requests", 0)),
            "reset": float(headers.get("x-ratelimit-reset-requests", 0)),
        }

    def evaluate(self, rules, now):
        for rule in rules:
            value = self.metrics()["p95"]
            if value > rule["threshold"]:
                since = self.breach_started.setdefault(rule["name"], now)
                if (now - since).seconds >= rule["hold"]:
                    yield f"{rule['name']} {rule['model']}: p95={value:.1f}s"
            else:
                self.breach_started.pop(rule["name"], None)

    def metrics(self):
        return {"p95": self.percentile(95), "total": len(self.results)}

    async def notify(self, text, slack):
        client = AsyncWebClient(token=os.environ["SLACK_WEBHOOK_URL"], base_url=slack)
        try:
            await client.chat_postMessage(channel="#alerts", text=text)
        except Exception as e:
            print(f"Failed to send: {e}")

    async def loop(self, model, interval):
        self.running = True
        while True:
            await self.probe(model)
            await asyncio.sleep(interval)

    def health(self):
        return {"status": "healthy", "running": self.running}
