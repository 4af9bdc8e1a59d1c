"""What happens in one story: everything random comes from its seed, before anything runs.

Times are the world's, in seconds from the beginning. All trouble is over at `healed_s`; what is
left until `ends_s` is for everybody to be told.
"""

from dataclasses import dataclass
from enum import StrEnum
from random import Random
from typing import Final

from alerting.expression import parse
from alerting.match import Match
from alerting.routing.group import Timing
from alerting.routing.route import Route
from alerting.rule import Rule, Severity, Subject
from monitor.config.values import Config
from probes.result import Operation
from probes.secret import Secret, SecretSource
from probes.target import Confirm, Provider, Target

SETTLE_S: Final = 600.0
"""Windows of 240 s forget, holds and intervals pass, and the longest wait for a sink is 300 s."""
INTERVAL_S: Final = 60.0
REPEAT_S: Final = 200.0
WAIT_S: Final = 10.0
TIMING: Final = Timing(
    {Severity.INFO: WAIT_S, Severity.WARNING: WAIT_S, Severity.CRITICAL: 0.0},
    INTERVAL_S,
    REPEAT_S,
)


class Trouble(StrEnum):
    """What a provider does to a target."""

    DOWN = "down"
    HANG = "hang"
    SLOW = "slow"
    FLAPPING = "flapping"
    THROTTLED = "throttled"
    ACCOUNT = "account"
    REQUEST = "request"


class Refusal(StrEnum):
    """What a sink does instead of taking a message."""

    BUSY = "429"
    BROKEN = "500"
    ELSEWHERE = "302"
    PORTAL = "404"
    REFUSED = "400"
    DOWN = "connection refused"
    HANG = "hang"
    RESET = "reset"
    UNACKNOWLEDGED = "taken, and never acknowledged"


class Disk(StrEnum):
    """What the ledger's disk does."""

    FULL = "full"
    STUCK = "stuck"
    DOUBTFUL = "committed, and said to have failed"
    SLOW = "slow"


class Jump(StrEnum):
    """What happens to clocks."""

    STEP = "step"
    SUSPEND = "suspend"
    STALL = "stall"


@dataclass(frozen=True, slots=True)
class Spell:
    """Something that is so for a while."""

    kind: str
    of: str
    from_s: float
    to_s: float


@dataclass(frozen=True, slots=True)
class Leap:
    """Clocks that go wrong at a moment, by so many seconds."""

    kind: Jump
    at_s: float
    by_s: float


@dataclass(frozen=True, slots=True)
class Life:
    """One process: when it ends, how, and what it is configured with."""

    until_s: float
    killed_after: int
    """At which of its acts that the world sees it is killed, counted from then; 0: stopped."""
    away_s: float
    config: Config
    channels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Silencing:
    """Somebody keeps a target quiet for a while."""

    target: str
    from_s: float
    to_s: float


@dataclass(frozen=True, slots=True)
class Story:
    """All of it."""

    seed: int
    targets: tuple[Target, ...]
    lives: tuple[Life, ...]
    spells: tuple[Spell, ...]
    """Of targets."""
    cuts: tuple[Spell, ...]
    """Of our own way out."""
    sinks: tuple[Spell, ...]
    disks: tuple[Spell, ...]
    leaps: tuple[Leap, ...]
    silences: tuple[Silencing, ...]
    healed_s: float
    ends_s: float

    def spell_of(self, spells: tuple[Spell, ...], of: str, at_s: float) -> Spell | None:
        """Return what is so of somebody at a moment; None: nothing out of the ordinary."""
        return next(
            (each for each in spells if each.of == of and each.from_s <= at_s < each.to_s), None
        )

    @property
    def faults_of_ours(self) -> bool:
        """Whether anything is wrong but providers and receivers."""
        killed = any(life.killed_after for life in self.lives)
        return killed or bool(self.disks) or bool(self.leaps)

    def asleep_s(self, from_s: float, to_s: float) -> float:
        """Return how long the machine was suspended in naps that reach into this time."""
        naps = [leap for leap in self.leaps if leap.kind is Jump.SUSPEND]
        return sum(nap.by_s for nap in naps if nap.at_s <= to_s and from_s <= nap.at_s + nap.by_s)


def story_of(seed: int) -> Story:
    """Make the story of a seed."""
    dice = Random(seed)
    healed_s = dice.uniform(400.0, 1200.0)
    targets, providers = _targets(dice)
    names = [target.name for target in targets]
    calm = dice.random() < 0.25
    """A quarter of the stories has no fault of ours: there the strictest promises hold."""
    channels = ("pager", "chat")[: dice.choice((1, 2, 2))]
    spells = tuple(_provider_spells(dice, targets, healed_s))
    cuts = _spells(dice, ("cut",), ("",), healed_s, dice.choice((0, 0, 0, 1)), 200.0)
    sinks = _spells(dice, tuple(Refusal), channels, healed_s, dice.choice((0, 0, 1, 2, 3)), 400.0)
    disks: tuple[Spell, ...] = ()
    leaps: tuple[Leap, ...] = ()
    if not calm:
        disks = _spells(dice, tuple(Disk), ("",), healed_s, dice.choice((0, 0, 0, 1, 2)), 150.0)
        leaps = tuple(_leaps(dice, healed_s))
    silences: tuple[Silencing, ...] = ()
    if dice.random() < 0.35:
        begins_s = dice.uniform(0.0, healed_s)
        silences = (Silencing(dice.choice(names), begins_s, dice.uniform(begins_s, healed_s)),)
    ends_s = healed_s + SETTLE_S
    lives = tuple(_lives(dice, healed_s, ends_s, targets, providers, channels, calm=calm))
    return Story(
        seed, targets, lives, spells, cuts, sinks, disks, leaps, silences, healed_s, ends_s
    )


def _targets(dice: Random) -> tuple[tuple[Target, ...], tuple[Provider, ...]]:
    number = dice.choice((1, 1, 2, 3))
    providers = tuple(
        Provider(
            name=f"p{n}",
            preset="openai",
            base_url="https://api.invalid/v1",
            api_key=SecretSource(Secret("sk-simulated-0000000000")),
        )
        for n in range(number)
    )
    confirm = Confirm(attempts=dice.choice((0, 0, 2)))
    targets = tuple(
        Target(
            name=f"t{n}",
            provider=providers[0].name if n < 3 else providers[n % number].name,
            preset="openai",
            model=f"m{n}",
            operation=Operation.CHAT,
            prompt="ping",
            interval_s=dice.choice((10.0, 20.0, 30.0)),
            deadline_s=dice.choice((5.0, 10.0)),
            confirm=confirm,
        )
        for n in range(dice.choice((2, 2, 3, 3, 4, 5, 6)))
    )
    return targets, providers


def _spells(
    dice: Random,
    kinds: tuple[str, ...],
    whose: tuple[str, ...],
    until_s: float,
    number: int,
    mean_s: float,
) -> tuple[Spell, ...]:
    found = []
    for _ in range(number):
        from_s = dice.uniform(30.0, until_s)
        to_s = min(until_s, from_s + dice.expovariate(1.0 / mean_s))
        found.append(Spell(dice.choice(kinds), dice.choice(whose), from_s, to_s))
    return tuple(found)


def _provider_spells(dice: Random, targets: tuple[Target, ...], healed_s: float) -> list[Spell]:
    found: list[Spell] = []
    names = [target.name for target in targets]
    for _ in range(dice.choice((0, 1, 2, 2, 3))):
        (spell,) = _spells(dice, tuple(Trouble), ("",), healed_s, 1, 250.0)
        chosen = dice.choice(([dice.choice(names)], names, names[:3]))
        found += [Spell(spell.kind, name, spell.from_s, spell.to_s) for name in chosen]
    return found


def _leaps(dice: Random, healed_s: float) -> list[Leap]:
    day_s = 86_400.0
    found = []
    for _ in range(dice.choice((0, 0, 0, 1, 2))):
        kind = dice.choice(tuple(Jump))
        by_s = {
            Jump.STEP: dice.choice((-day_s, -3600.0, -90.0, 90.0, 3600.0, day_s)),
            Jump.SUSPEND: dice.uniform(5.0, 900.0),
            Jump.STALL: dice.uniform(0.5, 60.0),
        }[kind]
        found.append(Leap(kind, dice.uniform(30.0, healed_s), by_s))
    return sorted(found, key=lambda leap: leap.at_s)


def _lives(
    dice: Random,
    healed_s: float,
    ends_s: float,
    targets: tuple[Target, ...],
    providers: tuple[Provider, ...],
    channels: tuple[str, ...],
    *,
    calm: bool,
) -> list[Life]:
    """Return processes one after the other; the last one is started before all has healed."""
    evaluate_every_s = dice.choice((5.0, 10.0, 10.0))
    ends = sorted(dice.uniform(20.0, healed_s) for _ in range(dice.choice((0, 0, 1, 2, 3))))
    changing = dice.random() < 0.2
    lives = []
    for number, until_s in enumerate((*ends, ends_s)):
        rules = _rules()
        if changing and number and dice.random() < 0.5:
            gone = dice.choice(rules).name
            rules = tuple(rule for rule in rules if rule.name != gone)
        using = channels
        if changing and len(channels) > 1 and number == 0:
            using = channels[:1]
        lives.append(
            Life(
                until_s,
                0 if calm or until_s == ends_s else dice.choice((0, 1, 1, 2, 3, 5, 8)),
                dice.choice((1.0, 5.0, 60.0, 400.0)),
                _config(targets, providers, rules, using, evaluate_every_s),
                using,
            )
        )
    return lives


def _config(
    targets: tuple[Target, ...],
    providers: tuple[Provider, ...],
    rules: tuple[Rule, ...],
    channels: tuple[str, ...],
    evaluate_every_s: float,
) -> Config:
    return Config(
        source="simulation",
        location="here",
        evaluate_every_s=evaluate_every_s,
        providers=providers,
        targets=targets,
        windows_s=(120.0, 240.0),
        rules=rules,
        routes=_routes(channels),
    )


def _routes(channels: tuple[str, ...]) -> tuple[Route, ...]:
    """The pager hears what is critical; the chat, where there is one, everything."""
    if len(channels) == 1:
        return (Route(channels, timing=TIMING),)
    pager, chat = channels
    critical = Match((("severity", ("critical",)),))
    return (
        Route((pager,), match=critical, timing=TIMING, goes_on=True),
        Route((chat,), group_by=("provider",), timing=TIMING),
    )


def _rules() -> tuple[Rule, ...]:
    """The shipped rules in small: windows of minutes, so that a story may be short."""
    return (
        Rule(
            name="Down",
            when=parse("consecutive_failures(provider, network) >= 3"),
            over_s=240.0,
            severity=Severity.CRITICAL,
        ),
        Rule(
            name="ErrorRate",
            when=parse("error_rate(provider) > 30%"),
            over_s=120.0,
            hold_s=45.0,
            min_failures=3,
        ),
        Rule(
            name="HighLatency",
            when=parse("latency.mean > 3s"),
            over_s=120.0,
            hold_s=20.0,
            keep_firing_for_s=30.0,
            min_samples=3,
        ),
        Rule(name="LowThroughput", when=parse("coverage < 50%"), over_s=240.0, hold_s=60.0),
        Rule(
            name="Account",
            when=parse("failures(account) >= 2"),
            over_s=240.0,
            severity=Severity.CRITICAL,
            subject=Subject.PROVIDER,
        ),
        Rule(name="Request", when=parse("failures(request) >= 2"), over_s=240.0),
        Rule(
            name="MonitorEgress",
            when=parse("egress.failing"),
            hold_s=15.0,
            keep_firing_for_s=60.0,
            severity=Severity.CRITICAL,
            subject=Subject.LOCATION,
        ),
        Rule(
            name="ProviderDown",
            when=parse("provider.failing_share > 50%"),
            keep_firing_for_s=60.0,
            severity=Severity.CRITICAL,
            subject=Subject.PROVIDER,
        ),
    )
