"""Polls the status pages of the providers that have one, and says what they say."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from aggregator.window import Windows
from alerting.engine import Transition
from alerting.metric import Counted, Fact
from alerting.rule import Rule
from monitor.clock import Clock
from monitor.config.values import ProviderPage
from monitor.facts import Reading as FactReading
from monitor.polled.poll import Poll
from monitor.status_pages.disagreement import disagrees
from monitor.status_pages.feed import parse_feed
from monitor.status_pages.matching import Subject
from monitor.status_pages.page import UNKNOWN, Page, PageState, Reading, going_on, reading
from monitor.status_pages.statements import Saying, Words
from monitor.status_pages.statuspage import parse_statuspage
from monitor.status_pages.words import report
from probes.result import Fault, ProbeResult
from probes.target import Target

EVERY_S: Final = 300.0
STALE_S: Final = 3 * EVERY_S
"""A page that could not be read for so long says nothing any more."""
TITLES_KEPT: Final = 5
"""Incidents of a page that are written down at once, the worst."""
_OURS: Final = frozenset({Fault.ACCOUNT, Fault.REQUEST, Fault.MONITOR, Fault.NETWORK, Fault.NONE})


@dataclass(slots=True)
class _Polled:
    """One page, for every provider entry that has it: two keys of one API share it."""

    poll: Poll
    page: Page | None = None


@dataclass(slots=True)
class _Provider:
    """One provider entry."""

    polled: _Polled
    subjects: dict[str, Subject]
    """By target."""
    failed_at: float
    """Steady time of its newest fault as far as we know; at first that of our start, for failures
    from before it may be in the windows."""
    read: dict[tuple[Subject, ...], tuple[Page, int, Reading]] = field(default_factory=dict)
    """What the page meant for some subjects, with the minute in which that was read."""


class StatusPages(Collector):
    """What providers say of themselves."""

    def __init__(
        self,
        pages: Sequence[ProviderPage],
        targets: Sequence[Target],
        clock: Clock,
        windows: Windows,
        over_s: float,
        location: str = "",
    ) -> None:
        """`windows` over `over_s` seconds tell what we see ourselves."""
        self._clock = clock
        self._windows = windows
        self._over_s = over_s
        by_url = {page.url: _polled(page, location) for page in reversed(pages)}
        self.polls = tuple(polled.poll for polled in by_url.values())
        self._providers = {
            page.provider: _Provider(
                by_url[page.url],
                {
                    target.name: Subject(target.preset, target.operation, target.model)
                    for target in targets
                    if target.provider == page.provider
                },
                clock.steady(),
            )
            for page in pages
        }

    def saw(self, result: ProbeResult) -> None:
        """Look at the page soon when its provider failed us."""
        if result.fault is Fault.PROVIDER and result.provider in self._providers:
            self._providers[result.provider].failed_at = self._clock.steady()
            self._want(result.provider)

    def heard(self, transition: Transition) -> None:
        """Look at the page soon when an alert of its provider begins or goes on."""
        self._want(dict(transition.labels).get("provider", ""))

    def _want(self, provider: str) -> None:
        found = self._providers.get(provider)
        if found is not None:
            found.polled.poll.want()

    def notes(self, transition: Transition) -> Sequence[str]:
        """Return what an alert should say of the provider's own word; nothing where it is moot."""
        found = self._providers.get(dict(transition.labels).get("provider", ""))
        if found is None or transition.rule is None or not _blames_provider(transition.rule):
            return ()
        targets = [name for name in transition.targets if name in found.subjects]
        return (report(self._reading(found, targets), self._age_s(found)),)

    def _age_s(self, provider: _Provider) -> float | None:
        at = provider.polled.poll.confirmed_at
        return None if at is None else self._clock.steady() - at

    def _reading(self, provider: _Provider, targets: Iterable[str]) -> Reading:
        page, age_s = provider.polled.page, self._age_s(provider)
        if page is None or age_s is None or age_s > STALE_S:
            return UNKNOWN
        subjects = tuple(dict.fromkeys(provider.subjects[name] for name in targets))
        wall = self._clock.wall()
        known = provider.read.get(subjects)
        if known is None or known[0] is not page or known[1] != wall // 60:
            if known is None or known[0] is not page:
                provider.read.clear()
            known = page, int(wall // 60), reading(page, subjects, wall)
            provider.read[subjects] = known
        return known[2]

    def sayings(self) -> Iterator[Saying]:
        """Return what each page says, to be written down; without those never asked so far."""
        for name, provider in self._providers.items():
            poll, page = provider.polled.poll, provider.polled.page
            host = urlsplit(poll.url).hostname or ""
            wall, age_s = self._clock.wall(), self._age_s(provider)
            if poll.failure is not None:
                yield Saying(name, host, round(wall), frozenset({Words(PageState.UNKNOWN)}))
            elif page is not None and age_s is not None:
                incidents = going_on(page, tuple(provider.subjects.values()), wall)[:TITLES_KEPT]
                said = {Words(each.state, each.title or "untitled") for each in incidents}
                whole = Words(self._reading(provider, provider.subjects).state)
                yield Saying(name, host, round(wall - age_s), frozenset({whole, *said}))

    def facts(self, now: float) -> Iterable[FactReading]:
        """Say of each provider whether its page and our probes disagree, where that is known."""
        for name, provider in self._providers.items():
            found = self._reading(provider, provider.subjects)
            disagree: bool | None = False
            # Taking the windows of thousands of targets together costs milliseconds.
            if found.state is not PageState.OPERATIONAL or now - provider.failed_at <= self._over_s:
                summary = self._windows.summary(tuple(provider.subjects), self._over_s, now)
                disagree = disagrees(found.state, summary)
            if disagree is not None:
                yield Fact.STATUS_PAGE_DISAGREES, name, float(disagree)

    def collect(self) -> Iterable[Metric]:
        """Return each provider's state, one of all there are, and the age of what was read."""
        states = GaugeMetricFamily(
            "sonde_status_page_state",
            "What a provider's status page says of what is probed: 1 for the state it is in.",
            labels=("provider", "state"),
        )
        ages = GaugeMetricFamily(
            "sonde_status_page_age_seconds",
            "How long ago a provider's status page was read; absent while it never was.",
            labels=("provider",),
        )
        for name, provider in self._providers.items():
            found = self._reading(provider, provider.subjects).state
            for state in PageState:
                states.add_metric((name, state.value), float(state is found))
            age_s = self._age_s(provider)
            if age_s is not None:
                ages.add_metric((name,), age_s)
        return states, ages


def _polled(page: ProviderPage, location: str) -> _Polled:
    def take(raw: bytes) -> None:
        polled.page = parse(raw)

    name = f"status page of {page.provider}"
    polled = _Polled(Poll(name, page.url, EVERY_S, take, seed=location))
    return polled


def parse(raw: bytes) -> Page:
    """Read a page as what it begins like: a feed, or else JSON. Raises UnreadableError."""
    return (
        parse_feed(raw) if raw.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"<" else parse_statuspage(raw)
    )


_OUR_FACTS: Final = (
    Fact.BUDGET_USED,
    Fact.CHANNELS_FAILING,
    Fact.EGRESS_FAILING,
    Fact.RETIREMENT_DAYS,
)


def _blames_provider(rule: Rule) -> bool:
    """Say whether the provider's own word matters to an alert of this rule."""
    metric = rule.when.metric
    if isinstance(metric, Counted):
        return not metric.kinds or not _OURS.issuperset(metric.kinds)
    return metric not in _OUR_FACTS
