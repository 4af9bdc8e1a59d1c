"""Whose fault a failure is when our own way out is down."""

import pytest

from monitor.egress.attribution import attributed, is_suspect
from monitor.egress.verdict import Way
from probes.result import Fault, StampQuality, Verdict
from tests.unit.aggregator.samples import result, timeout

LOST = (Verdict.DNS_ERROR, Verdict.CONNECT_ERROR, Verdict.TLS_ERROR, Verdict.RESET)


@pytest.mark.parametrize("way", [Way.OPEN, Way.UNKNOWN])
@pytest.mark.parametrize("verdict", LOST)
def test_a_provider_is_blamed_while_our_way_is_open(way: Way, verdict: Verdict) -> None:
    """Others answer, or nobody knows: the failure stays the provider's."""
    found = result(verdict=verdict, fault=Fault.PROVIDER)
    assert attributed(found, way) is found


@pytest.mark.parametrize("verdict", LOST)
def test_a_shut_way_is_the_network(verdict: Verdict) -> None:
    """Nobody answers: it is not the provider, and the result says what to look at."""
    found = attributed(result(verdict=verdict, fault=Fault.PROVIDER), Way.SHUT)
    assert (found.verdict, found.fault) == (verdict, Fault.NETWORK)
    assert "way out" in found.hint


@pytest.mark.parametrize("verdict", LOST)
def test_a_machine_without_a_route_measured_nothing(verdict: Verdict) -> None:
    """Then it is the monitor itself."""
    assert attributed(result(verdict=verdict, fault=Fault.NETWORK), Way.UNROUTED).fault is (
        Fault.MONITOR
    )


def test_without_names_only_lost_names_are_ours() -> None:
    """A dead resolver explains names that are not found, and no refused connection."""
    lost = result(verdict=Verdict.DNS_ERROR, fault=Fault.PROVIDER)
    refused = result(verdict=Verdict.CONNECT_ERROR, fault=Fault.PROVIDER)
    assert attributed(lost, Way.NAMELESS).fault is Fault.MONITOR
    assert attributed(refused, Way.NAMELESS) is refused


@pytest.mark.parametrize(
    ("stamps", "fault"), [(StampQuality.NONE, Fault.NETWORK), (StampQuality.USER, Fault.PROVIDER)]
)
def test_a_timeout_is_the_networks_only_without_a_byte(stamps: StampQuality, fault: Fault) -> None:
    """A byte that came proves the way: who then falls silent is the provider."""
    assert attributed(timeout(30.0, stamps=stamps), Way.SHUT).fault is fault


@pytest.mark.parametrize("fault", [Fault.MONITOR, Fault.ACCOUNT, Fault.REQUEST, Fault.NONE])
def test_what_is_known_already_stays(fault: Fault) -> None:
    """Our empty trust store is our own, whatever the network does."""
    assert not is_suspect(result(verdict=Verdict.TLS_ERROR, fault=fault))


@pytest.mark.parametrize("verdict", [Verdict.SERVER_ERROR, Verdict.TRUNCATED, Verdict.OK])
def test_an_answer_is_never_the_networks(verdict: Verdict) -> None:
    """Who answered was reached."""
    found = result(verdict=verdict, fault=Fault.PROVIDER)
    assert attributed(found, Way.SHUT) is found
