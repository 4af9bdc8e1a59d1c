"""A daemon that knows more than its probes: a status page, a baseline, its own way out."""

import asyncio
import json
import socket
import time
from pathlib import Path

from tests.e2e import configs
from tests.e2e.daemon_process import DaemonProcess, wait_until
from tests.integration.fault_server import ANSWER, Answering, serving
from tests.standins.webhook_receiver import Receiver

SIGNING = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
CHAT = ["name: chat, provider: house, model: m, operation: chat"]
WELL = {"components": [{"name": "Public API", "status": "operational"}]}


async def others(a: Answering) -> None:
    """Serve a status page on which all is well, and somebody's latencies."""
    if a.seen.header("if-none-match") == '"1"':
        await a.head("304 Not Modified")
    elif "status" in a.seen.line:
        await a.json(WELL, ETag='"1"')
    else:
        await a.json({"house": [{"p50_ms": 1}]})


async def test_what_others_say_stands_beside_what_we_see(tmp_path: Path) -> None:
    """A provider that fails while its page says all is well: the alert says so, and a rule hears.

    Beside it an outside figure and our own way out are on /metrics, and probes go on.
    """
    broken = False

    async def provider(a: Answering) -> None:
        await asyncio.sleep(0.02)  # so that others are faster
        await (a.json({"error": "down"}, "500 Broken") if broken else a.json(ANSWER))

    with serving(provider) as probed, serving(others) as told, listening() as endpoint:
        async with Receiver(SIGNING, time.time) as receiver:
            page = f'status_page: "{told.url}/status", preset: compatible'
            config = (
                configs.head()
                + configs.providers({"house": probed.url}).replace("preset: compatible", page)
                + configs.targets(CHAT)
                + configs.QUICK_RULES
                + "  - {name: Disagree, when: status_page.disagrees, subject: provider}\n"
                + "  - {name: SlowerThanOthers, when: baseline.ratio > 1.5}\n"
                + "baselines: [{name: public, "
                + f'url: "{told.url}/latency", path: "$.house[0].p50_ms"}}]\n'
                + "egress: {check: true, endpoints: "
                + f'["127.0.0.1:{port_of(endpoint)}", "127.0.0.1:1"], every: 500ms}}\n'
                + configs.channels(
                    'ops: {type: webhook, url: "${HOOK}", secret: "${SIGNING}",'
                    " allow_http: true, allow_private: true}"
                )
            )
            environ = {"SIGNING": SIGNING, "HOOK": receiver.url}
            async with DaemonProcess(tmp_path, config, environ) as daemon:
                shown = await wait_until(lambda: all_shown(daemon), "the others' figures")
                assert 'sonde_status_page_state{provider="house",state="operational"} 1.0' in shown
                assert 'sonde_baseline_seconds{name="public"} 0.001' in shown
                assert f'sonde_egress_up{{endpoint="127.0.0.1:{port_of(endpoint)}"}} 1.0' in shown
                assert 'sonde_egress_up{endpoint="127.0.0.1:1"} 0.0' in shown
                await wait_until(lambda: "SlowerThanOthers" in names(receiver), "the comparison")
                broken = True
                await wait_until(lambda: {"Down", "Disagree"} <= names(receiver), "both alerts")
                assert await daemon.stop() == 0
            (down,) = (each for each in alerts(receiver) if each["labels"]["alertname"] == "Down")
            assert "provider reports no incident (status page read" in json.dumps(down)
    asked = [seen for seen in told.requests if "status" in seen.line]
    assert len(asked) == 1
    assert all(seen.header("authorization") is None for seen in told.requests)


def listening() -> socket.socket:
    """A listener whose kernel accepts for it."""
    return socket.create_server(("127.0.0.1", 0), backlog=512)


def port_of(listener: socket.socket) -> int:
    """Return where it listens."""
    port: int = listener.getsockname()[1]
    return port


def all_shown(daemon: DaemonProcess) -> str:
    """Return the metrics once the page, the baseline and the endpoints are in them."""
    text = daemon.get("/metrics").text
    wanted = ("sonde_baseline_seconds{", "sonde_status_page_age_seconds{", "sonde_egress_up{")
    return text if all(each in text for each in wanted) else ""


def alerts(receiver: Receiver) -> list[dict[str, dict[str, str]]]:
    """Return every alert that was told."""
    return [alert for each in receiver.deliveries for alert in each["alerts"]]


def names(receiver: Receiver) -> set[str]:
    """Return the names of all alerts told so far."""
    return {alert["labels"]["alertname"] for alert in alerts(receiver)}
