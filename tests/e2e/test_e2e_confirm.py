"""A confirming attempt of the daemon as a process, judged by the provider's own log."""

from pathlib import Path

from tests.e2e import configs
from tests.e2e.daemon_process import DaemonProcess, wait_until
from tests.servers.llmock import Llmock


async def test_a_blip_is_asked_about_once_more_beside_its_slot(
    tmp_path: Path, llmock: Llmock
) -> None:
    """One 500 is followed by one more request of the same slot; the failure stays its result."""
    llmock.failing(500)
    config = (
        configs.head("4s", "1s")
        + configs.providers({"llmock": llmock.base_url})
        + configs.targets(
            [
                "name: chat, provider: llmock, model: m, operation: chat,"
                " confirm: {attempts: 2, backoff: [200ms]}"
            ]
        )
        + configs.QUICK_RULES
    )
    async with DaemonProcess(tmp_path, config) as daemon:
        confirmed = await wait_until(lambda: daemon.events("probe.confirmed"), "a confirmation")
        assert [event["outcome"] for event in confirmed] == ["recovered"]
        assert [entry["status"] for entry in llmock.requests()][:2] == [500, 200]
        metrics = daemon.get("/metrics").text
        assert 'sonde_confirmations_total{outcome="recovered"} 1.0' in metrics
        assert await daemon.stop() == 0
    rows = daemon.query("SELECT slot, attempt, verdict FROM results ORDER BY id")
    (slot, first, failed), (again, second, well) = rows[:2]
    assert (first, failed, second, well) == (1, "server_error", 2, "ok")
    assert slot == again
