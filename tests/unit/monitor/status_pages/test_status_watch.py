"""What status pages tell rules, metrics and messages."""

from dataclasses import replace

import pytest

from aggregator.window import Windows
from alerting.defaults import default_rules
from alerting.engine import Identity, Transition
from alerting.metric import Fact
from alerting.state import Edge, Firing, Inactive
from monitor.clock import Clock
from monitor.config.values import ProviderPage
from monitor.polled.unreadable import UnreadableError
from monitor.status_pages.page import PageState
from monitor.status_pages.statements import Words
from monitor.status_pages.watch import STALE_S, TITLES_KEPT, StatusPages, parse
from probes.result import Fault, Operation, Verdict
from probes.target import Target
from tests.unit.aggregator.samples import result

URL = "https://status.example.com/api/v2/summary.json"
WELL = b'{"components": [{"name": "Chat Completions", "status": "operational"}]}'
DOWN = b"""{"components": [{"name": "Chat Completions", "status": "major_outage"}],
            "incidents": [{"name": "Chat is down", "status": "identified"}]}"""


def target(name: str, provider: str, operation: Operation = Operation.CHAT) -> Target:
    return Target(
        name=name, provider=provider, preset="openai", model="m", operation=operation, prompt="p"
    )


TARGETS = (
    target("chat", "openai"),
    target("embed", "openai", Operation.EMBEDDINGS),
    target("second", "other-key"),
    target("own", "house"),
)


class Bench:
    """Two keys of one provider with its page, and a provider without one."""

    def __init__(self) -> None:
        self.now = 50.0
        self.clock = Clock(lambda: 1_700_000_000.0 + self.now, lambda: self.now)
        self.windows = Windows(longest_s=900.0)
        pages = (ProviderPage("openai", URL), ProviderPage("other-key", URL))
        self.pages = StatusPages(pages, TARGETS, self.clock, self.windows, 900.0)
        (self.poll,) = self.pages.polls

    def publish(self, raw: bytes) -> None:
        self.poll.take(raw)
        self.poll.confirmed_at = self.clock.steady()

    def probe(self, name: str, good: int, bad: int) -> None:
        failed = {"verdict": Verdict.SERVER_ERROR, "fault": Fault.PROVIDER}
        for said in [{}] * good + [failed] * bad:
            self.windows.ingest(result(target=name, **said), self.clock.steady())

    def facts(self) -> dict[str, float]:
        found = list(self.pages.facts(self.clock.steady()))
        assert {fact for fact, _, _ in found} <= {Fact.STATUS_PAGE_DISAGREES}
        return {subject: value for _, subject, value in found}

    def states(self) -> dict[str, str]:
        family, _ = self.pages.collect()
        assert {sample.value for sample in family.samples} == {0.0, 1.0}
        return {
            sample.labels["provider"]: sample.labels["state"]
            for sample in family.samples
            if sample.value == 1.0
        }


def fired(name: str, *targets: str, provider: str = "openai") -> Transition:
    rule = next(rule for rule in default_rules() if rule.name == name)
    return Transition(
        identity=Identity(name, (("alertname", name), ("provider", provider))),
        edge=Edge.FIRED,
        previous=Inactive(),
        state=Firing(0.0, 0.0),
        value="",
        lower_bound=False,
        started_at=0.0,
        fired_at=0.0,
        now=0.0,
        rule=rule,
        targets=targets,
    )


def test_two_keys_share_one_page() -> None:
    """Whoever watches with two keys asks a provider's page once, in the name of the first."""
    (poll,) = Bench().pages.polls
    assert (poll.url, poll.name) == (URL, "status page of openai")


def test_nothing_is_known_before_the_first_page() -> None:
    """Unknown is a state of its own, no fact is told, and a message says so."""
    bench = Bench()
    bench.probe("chat", 0, 9)
    assert bench.states() == {"openai": "unknown", "other-key": "unknown"}
    assert bench.facts() == {}
    assert bench.pages.notes(fired("Down", "chat")) == (
        "provider reports: unknown, its status page cannot be read",
    )


def test_a_page_that_says_all_is_well_while_probes_fail() -> None:
    """That is the disagreement people want to hear of; the other key works and agrees."""
    bench = Bench()
    bench.publish(WELL)
    bench.probe("chat", 6, 4)
    bench.probe("second", 9, 0)
    assert bench.facts() == {"openai": 1.0, "other-key": 0.0}


def test_who_did_not_fail_for_a_whole_window_agrees_with_a_page_that_is_well() -> None:
    """Known without adding up thousands of windows; the next failure is looked at again."""
    bench = Bench()
    bench.now += 901
    bench.publish(WELL)
    assert bench.facts() == {"openai": 0.0, "other-key": 0.0}
    bench.pages.saw(result(verdict=Verdict.RESET, fault=Fault.PROVIDER))
    bench.probe("chat", 0, 9)
    assert bench.facts() == {"openai": 1.0, "other-key": 0.0}


def test_a_page_is_read_for_the_targets_of_an_alert() -> None:
    """What is down is chat: an alert about embeddings does not borrow its excuse."""
    bench = Bench()
    bench.publish(DOWN.replace(b'"incidents"', b'"status": {"indicator": "none"}, "incidents"'))
    assert bench.states()["openai"] == "outage"
    chat = bench.pages.notes(fired("Down", "chat"))
    assert chat == ("provider reports: outage: “Chat is down” (status page read 1s ago)",)
    (embed,) = bench.pages.notes(fired("Down", "embed"))
    assert embed.startswith("provider reports: operational, and an incident")


@pytest.mark.parametrize("name", ["Down", "ErrorRate", "HighLatency", "Drift"])
def test_what_may_be_theirs_is_told_beside_their_word(name: str) -> None:
    """Failures, slowness and change: the page may know of them."""
    bench = Bench()
    bench.publish(WELL)
    (line,) = bench.pages.notes(fired(name, "chat"))
    assert line.startswith("provider reports no incident")


@pytest.mark.parametrize("name", ["Account", "Request", "Budget", "Retirement"])
def test_what_is_our_own_fault_needs_no_word_of_theirs(name: str) -> None:
    """A wrong key is not explained by a status page."""
    bench = Bench()
    bench.publish(WELL)
    assert bench.pages.notes(fired(name, "chat")) == ()


def test_who_has_no_page_says_nothing() -> None:
    """Nothing is told of a provider without one, nor of an alert whose rule is gone."""
    bench = Bench()
    bench.publish(WELL)
    assert bench.pages.notes(fired("Down", "own", provider="house")) == ()
    assert bench.pages.notes(replace(fired("Down", "chat"), rule=None)) == ()


def test_an_old_reading_is_none() -> None:
    """A page that cannot be read any more is unknown, however well it spoke before."""
    bench = Bench()
    bench.publish(WELL)
    assert bench.states()["openai"] == "operational"
    bench.now += STALE_S + 1
    assert bench.states()["openai"] == "unknown"
    _, ages = bench.pages.collect()
    assert [sample.value for sample in ages.samples] == pytest.approx([STALE_S + 1] * 2)


def test_a_feed_ages_without_being_fetched_anew() -> None:
    """While the server says "not modified", an item still grows old."""
    bench = Bench()
    bench.publish(
        b"<rss><item><title>Chat Completions outage</title><pubDate>"
        b"Tue, 14 Nov 2023 22:00:00 GMT</pubDate></item></rss>"
    )
    assert bench.states()["openai"] == "outage"
    bench.now += 4 * 86_400
    bench.poll.confirmed_at = bench.clock.steady()
    assert bench.states()["openai"] == "operational"


def test_failures_and_alerts_ask_for_a_fresh_page() -> None:
    """A failure of the provider's own, or an alert about it; nobody else's."""
    bench = Bench()
    asked = bench.poll._wanted
    bench.pages.saw(result(verdict=Verdict.AUTH, fault=Fault.ACCOUNT))
    bench.pages.saw(result(provider="house", verdict=Verdict.RESET, fault=Fault.PROVIDER))
    assert not asked.is_set()
    bench.pages.saw(result(verdict=Verdict.RESET, fault=Fault.PROVIDER))
    assert asked.is_set()
    asked.clear()
    bench.pages.heard(fired("Down", "own", provider="house"))
    assert not asked.is_set()
    bench.pages.heard(fired("HighLatency", "second", provider="other-key"))
    assert asked.is_set()


@pytest.mark.parametrize("raw", [b" \n<rss></rss>", b'\xef\xbb\xbf{"components": []}'])
def test_a_page_is_read_as_what_it_begins_like(raw: bytes) -> None:
    """A feed or a summary, whatever the address ends in."""
    parse(raw)


@pytest.mark.parametrize("raw", [b"", b"<html></html>", b"hello"])
def test_a_page_that_is_neither_is_refused(raw: bytes) -> None:
    """And what was known before stays until it is too old."""
    bench = Bench()
    bench.publish(WELL)
    with pytest.raises(UnreadableError):
        bench.poll.take(raw)
    assert bench.states()["openai"] == "operational"


def test_what_pages_say_is_there_to_be_written_down() -> None:
    """For each provider: the page as a whole, and what is going on, as of when it was read."""
    bench = Bench()
    assert list(bench.pages.sayings()) == []
    bench.publish(DOWN)
    bench.now += 60.0
    openai, other = bench.pages.sayings()
    assert (openai.provider, other.provider) == ("openai", "other-key")
    assert (openai.page, openai.at) == ("status.example.com", 1_700_000_050)
    assert openai.words == {Words(PageState.OUTAGE), Words(PageState.UNKNOWN, "Chat is down")}


def test_a_page_that_cannot_be_read_is_written_down_as_such() -> None:
    """Now, whatever it said before: nobody knows what it says."""
    bench = Bench()
    bench.publish(WELL)
    bench.poll.failure = "HTTP 500"
    bench.now += 60.0
    found = next(iter(bench.pages.sayings()))
    assert (found.at, found.words) == (1_700_000_110, {Words(PageState.UNKNOWN)})


def test_a_page_with_many_incidents_is_written_down_in_part() -> None:
    """The worst of them; one without a title is one all the same."""
    entry = b'{"name": "%d", "status": "identified", "impact": "minor"}'
    worst = b'{"name": "", "status": "identified", "impact": "critical"}'
    incidents = b", ".join([*(entry % n for n in range(9)), worst])
    bench = Bench()
    bench.publish(b'{"components": [], "incidents": [%s]}' % incidents)
    words = next(iter(bench.pages.sayings())).words
    assert len([each for each in words if each.title]) == TITLES_KEPT
    assert Words(PageState.OUTAGE, "untitled") in words
