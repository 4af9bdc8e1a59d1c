"""From a file, or from the environment alone, to a Config: the configuration's front door."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from monitor.config import defaults
from monitor.config.budget import compile_budgets, judge_prices, warn_of_dear_probes
from monitor.config.channels import compile_channels, compile_heartbeat
from monitor.config.cluster import compile_cluster
from monitor.config.credentials import anchored, credential
from monitor.config.environment import SOURCE, read_environment, variables
from monitor.config.errors import ConfigError, Problem
from monitor.config.fields import split_listen
from monitor.config.findings import Findings
from monitor.config.influxdb import compile_influxdb
from monitor.config.maintenance import compile_maintenance
from monitor.config.models import RootSection
from monitor.config.otlp import compile_otlp
from monitor.config.outside import compile_baselines, compile_egress, compile_status_pages
from monitor.config.providers import LOOPBACK, compile_providers, give_places
from monitor.config.public import compile_public_page
from monitor.config.reader import read_file
from monitor.config.retirements import warn_of_retirements
from monitor.config.routes import by_location, compile_routes
from monitor.config.rules import Scope, compile_rules
from monitor.config.sections import Sections, validate
from monitor.config.slos import burn_rules, check_slos, compile_slos
from monitor.config.targets import compile_targets
from monitor.config.values import Cluster, Config, HistoryStore, Http, Store
from probes.sanitise import redact
from probes.secret import SecretSource

SYSTEM_CONFIG: Final = Path("/etc/sonde/sonde.yaml")


@dataclass(frozen=True, slots=True)
class Loaded:
    """A usable configuration, and what is odd about it."""

    config: Config
    warnings: tuple[Problem, ...]


def find_config(named: Path | None, cwd: Path, system: Path = SYSTEM_CONFIG) -> Path | None:
    """Return the file to read: the named one, `sonde.yaml` here, or the system's.

    None: there is none, and the environment alone is the configuration.
    """
    if named is not None:
        return named
    return next((path for path in (cwd / "sonde.yaml", system) if _there(path)), None)


def _there(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:
        # Something is there and may not be looked at: reading it says so, passing over it would
        # run another configuration than the one that was meant.
        return True


def load(
    path: Path | None,
    environ: Mapping[str, str],
    *,
    cwd: Path,
    strict: bool,
    now: float | None = None,
) -> Loaded:
    """Read, validate and compile the configuration.

    Without a path the variables alone make it. `.env` in `cwd` stands below `environ`. Paths in
    the file are relative to its folder. With `strict` a bad credential refuses the configuration,
    else it is a warning and costs its own provider or channel. With `now` (wall time) models that
    have retired, or soon will, and prices nobody looked at for long are warned of. Raises
    ConfigError with every problem found.
    """
    known = variables(environ, cwd)
    if path is None:
        document, problems = read_environment(known)
        folder = cwd
    else:
        document, problems = read_file(path, known, cwd)
        folder = (cwd / path).parent
    findings = Findings(document, strict, problems=list(problems))
    config = _compile(findings, known, folder, now)
    if findings.problems:
        raise ConfigError(_told(findings.problems))
    return Loaded(config, _told(findings.warnings))


def _told(problems: list[Problem]) -> tuple[Problem, ...]:
    """Put problems in the order of the file, and make sure that none repeats a key."""
    ordered = sorted(problems, key=lambda found: (found.line or 0, found.column or 0))
    return tuple(
        replace(found, path=redact(found.path), message=redact(found.message)) for found in ordered
    )


def _compile(
    findings: Findings, known: Mapping[str, str], folder: Path, now: float | None
) -> Config:
    sections = validate(findings.document, findings)
    if now is not None:
        warn_of_retirements(sections, now, findings)
    root = sections.root
    cluster = compile_cluster(root.cluster, root.location, folder, findings)
    location = root.location or _location(cluster)
    providers = compile_providers(sections, folder=folder, findings=findings)
    targets = compile_targets(sections, findings, folder=folder)
    budgets = compile_budgets(sections, known, findings)
    judge_prices(budgets, targets, sections, now, findings)
    warn_of_dear_probes(budgets, targets, findings)
    providers = give_places(providers, targets, sections, findings)
    windows_s = _windows(root, findings)
    complete = not findings.problems
    scope = Scope(
        targets=targets,
        location=location,
        windows_s=windows_s,
        complete=complete,
        locations=() if root.cluster is None else tuple(root.cluster.locations),
        alone=cluster is None,
    )
    slos = compile_slos(root, targets, location, findings)
    check_slos(sections, slos, findings)
    rules = (*burn_rules(slos), *compile_rules(sections, scope, findings))
    channels = compile_channels(sections, folder=folder, findings=findings)
    routes = by_location(compile_routes(sections, rules, targets, findings), scope.locations)
    _warn(sections, findings)
    return Config(
        source=findings.document.source,
        location=location,
        public_url=root.public_url,
        evaluate_every_s=root.evaluate_every or defaults.EVALUATE_EVERY_S,
        providers=providers,
        targets=targets,
        budgets=budgets,
        windows_s=windows_s,
        slos=slos,
        rules=rules,
        maintenance=compile_maintenance(root, targets, rules, findings),
        channels=channels,
        most_per_hour={
            name: section.most_per_hour
            for name, section in sections.channels.items()
            if section.most_per_hour is not None
        },
        routes=routes,
        heartbeat=compile_heartbeat(sections, folder, findings),
        store=_store(root, known, folder, findings),
        cluster=cluster,
        otlp=compile_otlp(root.otlp, folder, findings),
        http=_http(root, known, folder, findings),
        egress=compile_egress(root, findings),
        status_pages=compile_status_pages(root, sections.providers),
        baselines=compile_baselines(root, targets, location, findings),
        public_page=compile_public_page(root, targets, findings),
    )


def _location(cluster: Cluster | None) -> str:
    """Return where we are when nobody said: replicas that do not say are all at the same place."""
    if cluster is None:
        return defaults.location()
    return cluster.locations[0] if cluster.locations else defaults.SHARED_LOCATION


def _windows(root: RootSection, findings: Findings) -> tuple[float, ...]:
    windows_s = tuple(sorted(root.windows or defaults.WINDOWS_S))
    if len(set(windows_s)) < len(windows_s):
        findings.bad(("windows",), "the same window twice")
    return windows_s


def _store(root: RootSection, known: Mapping[str, str], folder: Path, findings: Findings) -> Store:
    said = root.store
    if said.history is HistoryStore.INFLUXDB and said.influxdb is None:
        findings.bad(("store", "history"), "influxdb: store.influxdb is not configured")
    usual = Store()
    return Store(
        path=defaults.store_path(known) if said.path is None else anchored(said.path, folder),
        max_size_bytes=said.max_size or usual.max_size_bytes,
        retention_results_s=said.retention.results or usual.retention_results_s,
        retention_minutes_s=said.retention.minutes or usual.retention_minutes_s,
        retention_hours_s=said.retention.hours or usual.retention_hours_s,
        influxdb=(influxdb := compile_influxdb(said.influxdb, folder, findings)),
        history=said.history if influxdb is not None else usual.history,
    )


def _http(root: RootSection, known: Mapping[str, str], folder: Path, findings: Findings) -> Http:
    token = credential(
        ("http",), "token", None, root.http.token_file, folder=folder, findings=findings
    )
    host, port = _listen(root, known, findings)
    if host not in LOOPBACK and token is None:
        message = (
            f"{host}:{port} is wider than loopback and no token_file is given:"
            " the status page and /probe are off (health and metrics are served)"
        )
        findings.warn(("http", "listen"), message)
    source: SecretSource | None = None if token is None else token.source
    return Http(host=host, port=port, token=source)


def _listen(root: RootSection, known: Mapping[str, str], findings: Findings) -> tuple[str, int]:
    if root.http.listen is not None:
        return split_listen(root.http.listen)
    try:
        return split_listen(known.get("SONDE_LISTEN") or defaults.LISTEN)
    except ValueError as error:
        findings.problems.append(Problem(SOURCE, str(error), "SONDE_LISTEN"))
        return split_listen(defaults.LISTEN)


def _warn(sections: Sections, findings: Findings) -> None:
    used = {target.provider for target in sections.targets.values()}
    for name in sections.providers:
        if name not in used:
            findings.warn(("providers", name), "no target uses this provider")
    if not sections.channels:
        message = "no channel is configured: alerts are logged and shown, and nobody is told"
        findings.warn(("notify",), message)
