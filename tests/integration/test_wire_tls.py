"""TLS that breaks after the handshake is TLS that broke, not a firewall of ours."""

import asyncio
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from probes.result import Fault, StampQuality, Verdict
from probes.target import Connection, Slot
from tests.faults.places import damaged_record, no_record
from tests.integration.fault_server import (
    ANSWER,
    Answering,
    Handler,
    certificate,
    server_context,
    serving,
    trusting_context,
)
from tests.integration.probing import chat, probing


@pytest.fixture(scope="module")
def pem(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a certificate for the server."""
    return certificate(tmp_path_factory.mktemp("tls"))


@pytest.mark.parametrize("connection", list(Connection))
@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("handler", [no_record, damaged_record])
async def test_a_damaged_record_is_a_tls_error_of_the_provider(
    handler: Handler, stream: bool, connection: Connection, pem: Path
) -> None:
    """In every phase: the number in such an error is OpenSSL's, and means nothing to the system."""
    with serving(handler, server_context(pem)) as server:
        async with probing(server.url, tls=trusting_context(pem)) as prober:
            target = chat(stream=stream, connection=connection)
            result = await prober.probe(target, Slot(1, 60.0))

    assert (result.verdict, result.fault) == (Verdict.TLS_ERROR, Fault.PROVIDER), result.detail
    assert "wrong version number" in result.detail


@contextmanager
def _asking_for_a_certificate(pem: Path) -> Iterator[int]:
    """Serve one connection with a blocking socket: asyncio's server would not send its alert."""
    asking = server_context(pem)
    asking.verify_mode = ssl.CERT_REQUIRED
    asking.load_verify_locations(pem)

    def serve() -> None:
        connection, _ = listener.accept()
        with connection, suppress(ssl.SSLError, OSError):
            asking.wrap_socket(connection, server_side=True)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, name="asking server")
        thread.start()
        yield listener.getsockname()[1]
        thread.join(5)


async def test_a_certificate_that_is_asked_of_us_is_a_tls_error(pem: Path) -> None:
    """TLS 1.3 refuses a client without a certificate after the handshake, with an alert."""
    with _asking_for_a_certificate(pem) as port:
        async with probing(f"https://127.0.0.1:{port}/v1", tls=trusting_context(pem)) as prober:
            result = await prober.probe(chat(), Slot(1, 60.0))

    assert (result.verdict, result.fault) == (Verdict.TLS_ERROR, Fault.PROVIDER), result.detail
    assert "certificate required" in result.detail


async def large_after_100_ms(a: Answering) -> None:
    """Answer after 100 ms with 40 KB at once: several TLS records in one read."""
    await asyncio.sleep(0.1)
    await a.json({**ANSWER, "padding": "x" * 40_000})


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize("connection", list(Connection))
async def test_records_and_tickets_have_the_time_of_their_read(
    connection: Connection, version: ssl.TLSVersion, pem: Path
) -> None:
    """Many records in one late read, many tickets in others: the answer's time is the answer's."""
    serving_tls = server_context(pem)
    serving_tls.minimum_version = serving_tls.maximum_version = version
    serving_tls.num_tickets = 5
    with serving(large_after_100_ms, serving_tls) as server:
        async with probing(server.url, tls=trusting_context(pem)) as prober:
            for number in range(2):
                async with asyncio.TaskGroup() as group:
                    probe = group.create_task(
                        prober.probe(chat(connection=connection), Slot(number, 60.0))
                    )
                    await asyncio.sleep(0.07)
                    time.sleep(0.2)  # noqa: ASYNC251 - the fault under test
                result = probe.result()
                truth_s = server.sends[-1] - server.requests[-1].at
                assert result.ok, result.detail
                assert result.stamps is StampQuality.KERNEL
                assert result.sent_s is not None
                assert abs(result.total_s - result.sent_s - truth_s) < 0.02
                assert result.reused is (number == 1 and connection is Connection.REUSE)
