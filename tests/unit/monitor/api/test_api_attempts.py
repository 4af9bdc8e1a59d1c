"""One attempt as the API tells it, and where a page of them goes on."""

import math
import sys

import pytest

from monitor.api.probes import cursor_of, key_of, reached, row_of
from monitor.api.problems import RefusedError
from probes.result import Fault, ProbeResult, Verdict
from probes.wire.timeline import Phase
from tests.unit.aggregator.samples import result, stream, timeout

CONNECTED = {"resolve_s": 0.1, "connect_s": 0.2}


def failed(verdict: Verdict, **said: object) -> ProbeResult:
    return result(verdict=verdict, fault=Fault.NETWORK, **said)


@pytest.mark.parametrize(
    ("attempt", "phase"),
    [
        (result(first_byte_s=0.5, sent_s=0.3), Phase.BODY),
        (timeout(9.0, sent_s=0.3), Phase.HEAD),
        (failed(Verdict.DNS_ERROR), Phase.RESOLVE),
        (failed(Verdict.DNS_ERROR, resolve_s=0.1), Phase.START),
        (failed(Verdict.CONNECT_ERROR, resolve_s=0.1), Phase.CONNECT),
        (failed(Verdict.CONNECT_ERROR, **CONNECTED), Phase.START),
        (failed(Verdict.TLS_ERROR, **CONNECTED), Phase.TLS),
        (failed(Verdict.RESET, **CONNECTED, tls_s=0.1), Phase.SEND),
        (timeout(9.0, resolve_s=0.1), Phase.START),
        (failed(Verdict.RESET), Phase.START),
    ],
)
def test_how_far_an_attempt_came(attempt: ProbeResult, phase: Phase) -> None:
    """As far as what is kept of it tells; what is not known is no stage."""
    assert reached(attempt) is phase


def test_stages_of_a_stream() -> None:
    """From the connection to the last token and the end, without gaps."""
    made = stream(0.5, 2.0, 9, connect_s=0.1, sent_s=0.1, first_byte_s=0.3)
    row = row_of(7, made)
    assert row.id == "7"
    assert [(each.name, each.start_s, each.end_s) for each in row.stages] == [
        ("connect", 0.0, 0.1),
        ("head", 0.1, 0.3),
        ("first_token", 0.3, 0.5),
        ("answer", 0.5, 2.0),
        ("end", 2.0, 2.5),
    ]


def test_what_cannot_be_known_of_a_timeout_is_left_out() -> None:
    """Where it hung before the request had left is not kept: no stage is made up for it."""
    row = row_of(1, timeout(9.0, resolve_s=0.1))
    assert [each.name for each in row.stages] == ["resolve"]
    assert row.first_token_s is None


@pytest.mark.parametrize("at", [0.0, 1_750_000_000.123456, sys.float_info.max, 5e-324])
@pytest.mark.parametrize("number", [1, -5, 2**63 - 1])
def test_a_cursor_names_its_place_to_the_last_bit(at: float, number: int) -> None:
    """Else attempts of nearly one moment would be lost, or come twice; it needs no quoting."""
    cursor = cursor_of((at, number))
    assert key_of(cursor) == (at, number)
    assert not set(cursor) & set('"\\&#%')


@pytest.mark.parametrize("cursor", ["_", "0x1p+3_", "nan_1", "0x1p+2000_1", "1_1x", "0xg_1"])
def test_a_cursor_that_is_none_is_refused(cursor: str) -> None:
    """It came from nowhere of ours."""
    with pytest.raises(RefusedError) as refused:
        key_of(cursor)
    assert refused.value.status == 422
    assert math.isfinite(key_of("0x1p+3_1")[0])
