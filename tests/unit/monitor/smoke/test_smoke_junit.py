"""JUnit XML of a round."""

from xml.etree.ElementTree import fromstring

from monitor.smoke.junit import junit
from tests.unit.monitor.smoke.rounds import MIXED


def test_each_target_is_a_case() -> None:
    """In the order of the configuration, with its provider as the class and its latency."""
    (suite,) = fromstring(junit(MIXED).encode())
    named = [(case.get("classname"), case.get("name"), case.get("time")) for case in suite]
    assert named == [
        ("sonde.p", "good", "1.000"),
        ("sonde.p", "bad", "1.000"),
        ("sonde.p", "ours", "1.000"),
        ("sonde.p", "left-out", "0.000"),
    ]


def test_the_sums_are_those_of_the_cases() -> None:
    """A CI system that adds up finds what the suite says; the time says its zone."""
    (suite,) = fromstring(junit(MIXED).encode())
    for kind, attribute in (("failure", "failures"), ("error", "errors"), ("skipped", "skipped")):
        assert len(suite.findall(f"*/{kind}")) == int(suite.get(attribute, "")) == 1
    assert suite.get("tests") == "4"
    assert suite.get("timestamp") == "2026-11-18T11:06:40+00:00"


def test_a_failure_says_what_happened_and_whose_fault_it_is() -> None:
    """Its type is the verdict; a provider's words stand as text, whatever signs they hold."""
    (suite,) = fromstring(junit(MIXED).encode())
    failure = suite.find("*/failure")
    assert failure is not None
    assert (failure.get("type"), failure.get("message")) == (
        "server_error",
        'HTTP 500: <script> & "quotes"',
    )
    assert failure.text == "fault: provider\nwait"


def test_our_own_fault_is_an_error() -> None:
    """It says nothing about the provider."""
    (suite,) = fromstring(junit(MIXED).encode())
    errors = suite.findall("testcase[@name='ours']/error")
    assert [(each.get("type"), each.text) for each in errors] == [
        ("monitor_error", "fault: monitor")
    ]
