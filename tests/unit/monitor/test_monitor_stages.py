"""Which stages an exchange had, for every way it can end."""

import pytest

from monitor.stages import Stage, stages
from monitor.waterfall import plain, waterfall
from probes.result import Fault, Operation, ProbeResult, Verdict
from probes.target import Target
from probes.trace import Trace
from probes.wire.timeline import Phase
from tests.unit.aggregator.samples import result

OPENED = {"resolve_s": 0.01, "connect_s": 0.02, "tls_s": 0.03, "sent_s": 0.06}


def names(found: tuple[Stage, ...]) -> list[str]:
    return [stage.name + ("" if stage.ended else "!") for stage in found]


def failed(verdict: Verdict, **said: object) -> ProbeResult:
    return result(verdict=verdict, fault=Fault.PROVIDER, **said)


def test_a_reasoning_stream_has_them_all() -> None:
    """Name, connection, TLS, head, first token, reasoning, answer, end: without a gap."""
    times = {
        "first_byte_s": 0.2,
        "first_token_s": 0.3,
        "first_visible_token_s": 0.6,
        "last_token_s": 0.9,
    }
    found = stages(result(**OPENED, **times, total_s=1.0), Phase.BODY)
    assert names(found) == [
        *("resolve", "connect", "tls", "head", "first_token", "reasoning", "answer", "end")
    ]
    assert [stage.end_s for stage in found] == pytest.approx(
        [0.01, 0.03, 0.06, 0.2, 0.3, 0.6, 0.9, 1.0]
    )
    assert [stage.start_s for stage in found[1:]] == [stage.end_s for stage in found[:-1]]


def test_a_plain_answer_on_a_kept_connection() -> None:
    """No name, no connection; the body, if it took any time."""
    long = stages(result(sent_s=0.0, first_byte_s=0.5, total_s=0.7), Phase.BODY)
    assert long == (Stage("head", 0.0, 0.5), Stage("body", 0.5, 0.7))
    short = stages(result(sent_s=0.0, first_byte_s=0.5, total_s=0.5), Phase.BODY)
    assert names(short) == ["head"]


def test_a_stream_whose_first_token_is_visible_did_not_reason() -> None:
    """The same moment twice is one stage."""
    times = {"first_byte_s": 0.2, "first_token_s": 0.3, "first_visible_token_s": 0.3}
    found = stages(result(sent_s=0.0, last_token_s=0.4, total_s=0.4, **times), Phase.BODY)
    assert names(found) == ["head", "first_token", "answer"]


@pytest.mark.parametrize(
    ("reached", "known", "expected"),
    [
        (Phase.START, {}, []),
        (Phase.RESOLVE, {}, ["resolve!"]),
        (Phase.CONNECT, {"resolve_s": 0.01}, ["resolve", "connect!"]),
        (Phase.PROXY, {"connect_s": 0.02}, ["connect", "proxy!"]),
        (Phase.TLS, {"resolve_s": 0.01, "connect_s": 0.02}, ["resolve", "connect", "tls!"]),
        (Phase.SEND, {"connect_s": 0.02}, ["connect", "send!"]),
        (Phase.HEAD, OPENED, ["resolve", "connect", "tls", "head!"]),
        (Phase.BODY, {"sent_s": 0.0, "first_byte_s": 0.5}, ["head", "body!"]),
        (
            Phase.BODY,
            {"sent_s": 0.0, "first_byte_s": 0.5, "first_token_s": 0.6, "last_token_s": 0.7},
            ["head", "first_token", "answer", "end!"],
        ),
    ],
)
def test_a_probe_that_timed_out_ends_in_what_it_waited_for(
    reached: Phase, known: dict[str, float], expected: list[str]
) -> None:
    """The last stage has not ended, and lasts as long as we waited."""
    found = stages(failed(Verdict.TIMEOUT, total_s=1.0, **known), reached)
    assert names(found) == expected
    assert all(stage.end_s == 1.0 for stage in found[-1:])


def test_a_cut_is_seen_even_if_it_took_no_time() -> None:
    """A stream that breaks off with its last token has an end that did not come."""
    times = {"first_byte_s": 0.2, "first_token_s": 0.3, "last_token_s": 0.4}
    found = stages(failed(Verdict.TRUNCATED, sent_s=0.0, total_s=0.4, **times), Phase.BODY)
    assert found[-1] == Stage("end", 0.4, 0.4, ended=False)


@pytest.mark.parametrize("reached", set(Phase) - {Phase.START})
def test_every_phase_a_probe_can_end_in_has_a_bar(reached: Phase) -> None:
    """A phase somebody adds to the wire is drawn, and has a name."""
    found = failed(Verdict.RESET, total_s=1.0)
    stage = stages(found, reached)[-1]
    assert not stage.ended
    target = Target(
        name="t", provider="p", preset="openai", model="m", operation=Operation.CHAT, prompt="?"
    )
    assert "━" in plain(waterfall(found, target, Trace(reached=reached)))


def test_a_refusal_is_whole() -> None:
    """An error with a body that was read has ended, though it is no success."""
    found = stages(
        failed(Verdict.SERVER_ERROR, sent_s=0.0, first_byte_s=0.2, total_s=0.3), Phase.BODY
    )
    assert names(found) == ["head", "body"]
