"""Everything that is looked at over the network, at the same time, each under its own deadline."""

import asyncio
import ssl
from dataclasses import dataclass
from typing import Final

from monitor.clock import Clock
from monitor.cluster import reach as reach_redis
from monitor.cluster.protocol import ReachError
from monitor.config.values import Check, Config, Influxdb, Store
from monitor.connect import ConnectError, connect
from monitor.doctor import machine
from monitor.doctor.daemon import daemon
from monitor.doctor.finding import Finding, Level
from monitor.doctor.ledger import ledger
from monitor.doctor.place import Place, places
from monitor.doctor.reach import Reached, reach
from monitor.egress.dial import dial
from monitor.egress.endpoint import Scheme
from monitor.egress.verdict import Contact, Way, way
from monitor.schedule import off_schedule
from probes.lag import LagMeter
from probes.prober import Prober
from probes.result import Operation, Verdict
from probes.target import Provider, Target
from probes.wire.resolver import ThreadResolver
from probes.wire.trust import Papers, TrustError, client_context

INFLUXDB_S: Final = 15.0
"""For a write, and a reading that is tried again for 5 s."""
ASK_S: Final = 15.0
"""For one list of models."""
LEDGER_S: Final = 10.0
"""For reading through 32 MiB; a file system over a network may hang for ever."""
CLOCKS_S: Final = 0.5
"""Replicas whose clocks are further apart do not share the work evenly."""
AT_ONCE: Final = 32
"""Hosts looked at at a time: fewer than the threads that resolve names."""


@dataclass(frozen=True, slots=True)
class Trusted:
    """A TLS context for each set of papers, made before the loop turns: it takes 20 ms each."""

    contexts: dict[Papers, ssl.SSLContext]
    findings: tuple[Finding, ...]

    @classmethod
    def of(cls, config: Config) -> "Trusted":
        """Load the roots that the configuration wants believed."""
        contexts: dict[Papers, ssl.SSLContext] = {}
        findings: list[Finding] = []
        for papers in dict.fromkeys((Papers(), *(each.papers for each in places(config)))):
            try:
                contexts[papers] = client_context(papers)
            except TrustError as error:
                remedy = "install ca-certificates" if not papers.files else "mend the file"
                findings.append(Finding("trust", Level.FAIL, str(error), remedy))
        return cls(contexts, tuple(findings))


async def examine(
    config: Config, trusted: Trusted, lag: LagMeter, *, online: bool
) -> list[Finding]:
    """Look at everything; return what was found, in the order a reader wants it."""
    clock, resolver = Clock(), ThreadResolver(AT_ONCE * 2)
    places_ = [each for each in places(config) if not each.tls or each.papers in trusted.contexts]
    turns = asyncio.Semaphore(AT_ONCE)

    async def visit(place: Place) -> Reached:
        async with turns:
            return await reach(place, resolver, lambda each: trusted.contexts[each.papers], clock)

    async with asyncio.TaskGroup() as group:
        ways = [group.create_task(visit(each), name=f"way to {each.host}") for each in places_]
        out = group.create_task(_egress(config, resolver, trusted), name="way out")
        store = group.create_task(_ledger(config.store), name="ledger")
        influxdb = group.create_task(_influxdb(config), name="influxdb")
        redis = group.create_task(_redis(config), name="redis")
        port = group.create_task(daemon(config.http), name="daemon")
        asked = [
            group.create_task(_models(each, own, config, lag), name=f"models of {each.name}")
            for each in (config.providers if online else ())
            if (own := next((t for t in config.targets if t.provider == each.name), None))
        ]
    reached = [each.result() for each in ways]
    ahead = [each.ahead_s for each in reached if each.ahead_s is not None]
    return [
        *trusted.findings,
        *out.result(),
        *(each.finding for each in reached),
        *(each.result() for each in asked),
        machine.clock(ahead),
        *store.result(),
        *influxdb.result(),
        *redis.result(),
        port.result(),
    ]


async def _egress(config: Config, resolver: ThreadResolver, trusted: Trusted) -> list[Finding]:
    """Ask the places that tell whether our own way out works."""
    if config.egress.check is Check.OFF:
        return [Finding("egress", Level.OK, "egress.check is false: not looked at")]
    tls = trusted.contexts.get(Papers())
    endpoints = [
        each for each in config.egress.endpoints if tls is not None or each.scheme != Scheme.HTTPS
    ]
    async with asyncio.TaskGroup() as group:
        tasks = {each: group.create_task(dial(each, resolver, tls)) for each in endpoints}
    contacts = {endpoint: task.result() for endpoint, task in tasks.items()}
    silent = [
        f"{each.text} {found}" for each, found in contacts.items() if found != Contact.REACHED
    ]
    found = way(contacts)
    if found is Way.OPEN and not silent:
        return [Finding("egress", Level.OK, f"{len(contacts)} endpoints answer")]
    level = Level.WARN if config.egress.check is Check.AUTO or found is Way.OPEN else Level.FAIL
    remedy = "name endpoints that you can reach in egress.endpoints, or say egress.check: false"
    return [Finding("egress", level, f"our way out is {found}: {', '.join(silent)}", remedy)]


async def _ledger(store: Store) -> list[Finding]:
    """Look at the ledger; a disk that is gone may not even say that it is."""
    try:
        async with asyncio.timeout(LEDGER_S):
            return await asyncio.to_thread(lambda: list(ledger(store)))
    except TimeoutError:
        said = f"{store.path}: its disk does not answer within {LEDGER_S:g} s"
        remedy = "is it mounted, and busy with something else? Or say another store.path"
    except OSError as error:
        said, remedy = f"{store.path}: {error.strerror}", "say another store.path"
    return [Finding("ledger", Level.FAIL, said, remedy)]


async def _influxdb(config: Config) -> list[Finding]:
    if config.store.influxdb is None:
        return []
    return [await _written(config.store.influxdb, config.location)]


async def _written(influxdb: Influxdb, location: str) -> Finding:
    remedy = "store.influxdb: url, org, bucket, token; `sonde check --connect` tries it again"
    try:
        async with asyncio.timeout(INFLUXDB_S):
            found = await connect(influxdb, location)
    except ConnectError as error:
        return Finding("influxdb", Level.FAIL, str(error), remedy)
    except TimeoutError:
        return Finding("influxdb", Level.FAIL, f"no answer within {INFLUXDB_S:g} s", remedy)
    return Finding("influxdb", Level.OK, f"took a marker and gave it back in {found.took_s:.2f} s")


async def _redis(config: Config) -> list[Finding]:
    if config.cluster is None:
        return []
    remedy = "cluster.redis: address, password, rights (docs/replicas.md lists them)"
    try:
        found = await reach_redis(config.cluster, Clock())
    except ReachError as error:
        return [Finding("redis", Level.FAIL, str(error), remedy)]
    if abs(found.ahead_s) > CLOCKS_S:
        said = f"our clock is {found.ahead_s:+.1f} s from that of Redis"
        return [Finding("redis", Level.WARN, said, "keep the clocks of all replicas together: NTP")]
    return [Finding("redis", Level.OK, f"did all we ask in {1000 * found.took_s:.1f} ms a turn")]


async def _models(provider: Provider, own: Target, config: Config, lag: LagMeter) -> Finding:
    """Ask a provider whether it has a target's model, which costs nothing and needs the key."""
    clock = Clock()
    target = Target(
        name="doctor",
        provider=provider.name,
        preset=provider.preset,
        model=own.model,
        operation=Operation.MODELS,
        prompt="",
        deadline_s=ASK_S,
    )
    prober = Prober(provider, location=config.location, wall=clock.wall, lag=lag)
    try:
        result = await prober.probe(target, off_schedule(clock.wall()))
    finally:
        await prober.close()
    if result.ok:
        return Finding("key", Level.OK, f"{provider.name} takes it, and has {own.model}")
    level = Level.WARN if result.verdict is Verdict.MODEL_NOT_FOUND else Level.FAIL
    said = f"{provider.name}: {result.verdict}: {result.detail}"
    return Finding("key", level, said, result.hint or "`sonde probe NAME` shows the exchange")
