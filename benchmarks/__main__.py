"""Measure Sonde, each time beside something else in the same run.

  python -m benchmarks                       everything but what takes long
  python -m benchmarks latency --quick       less of the matrix; --full: all of it
  python -m benchmarks windows evaluation    those named
  python -m benchmarks soak --minutes 10 --targets 5000
  python -m benchmarks --markdown            tables as docs/performance.md has them

Ends with 1 when a measurement is worth nothing: a sample of Sonde's without kernel stamps, or a
truth server that could not keep its own time. A missed target is in the table.
"""

import argparse
import shlex
import sys
from collections.abc import Callable, Mapping
from functools import partial
from importlib import import_module
from types import MappingProxyType
from typing import Final

from rich.console import Console
from rich.table import Table

from benchmarks.cores import facts
from benchmarks.latency import Size
from benchmarks.report import Report, markdown

BENCHMARKS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "windows": "rolling windows against a list of objects",
        "evaluation": "all rules over many targets",
        "anomaly": "known incidents: found, how late, and false alarms, three detectors",
        "burn": "burn rates of few probes: false pages and delays, four ways to read them",
        "wire": "CPU of a probe on the wire against aiohttp and the openai SDK",
        "metrics": "/metrics against prometheus_client",
        "startup": "first probe, imports, memory at 200 targets",
        "latency": "error of reported latency, four clients against the truth server",
        "history": "a month of the ledger: taking in, rolling up, deleting, answers (takes long)",
        "cluster": "claims through one Redis beside a Sonde that is alone",
        "capacity": "what groups of replicas cost, on paper and in virtual time, to 50,000 targets",
        "news": "results told to other replicas, and taken in",
        "dashboard": "200 targets: what its questions cost, and how soon Chromium shows them",
        "backtest": "rules over recorded history: reading, and trying them",
        "transfer": "export and import: rows a second, and memory held",
        "pod": "50 targets under a pod's limits: start, stop, CPU, memory (Linux, root)",
        "pipeline": "CPU of the whole daemon for one probe, against others",
        "replicas": "5,000 targets shared by one, two and three daemons (takes long)",
        "soak": "5,000 targets every 10 s on one core (takes long)",
    }
)
SIZED: Final = ("backtest", "dashboard", "history", "latency", "pipeline", "replicas", "transfer")
"""Those that --quick and --full change."""
LONG: Final = ("history", "pod", "replicas", "soak")
"""Not part of a run of everything: half an hour, what only root may do, and as long as one says."""


def arguments() -> argparse.Namespace:
    described = "\n".join(f"  {name:<12} {what}" for name, what in BENCHMARKS.items())
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description=__doc__,
        epilog=f"benchmarks:\n{described}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help=f"default: all but {', '.join(LONG)}"
    )
    size = parser.add_mutually_exclusive_group()
    for each in (Size.QUICK, Size.FULL):
        size.add_argument(f"--{each}", dest="size", action="store_const", const=each)
    parser.add_argument("--markdown", action="store_true", help="print Markdown")
    soak = parser.add_argument_group("soak and replicas")
    soak.add_argument("--minutes", type=int, help="default: 10, and 2 for each group of replicas")
    soak.add_argument("--targets", type=int, help="default: 5000, and 500 with --quick")
    soak.add_argument("--no-influxdb", action="store_true", help="without InfluxDB beside it")
    soak.add_argument("--log-level", default="INFO", help="of the daemon; default: %(default)s")
    group = parser.add_argument_group("replicas")
    group.add_argument("--interval", type=float, default=60.0, help="default: %(default)s")
    group.add_argument(
        "--groups", type=int, nargs="+", default=(), help="sizes; 0: alone; default: 0 1 2 3"
    )
    given = parser.parse_args()
    if unknown := [name for name in given.names if name not in BENCHMARKS]:
        parser.error(f"no benchmark {', '.join(unknown)}; there are: {', '.join(BENCHMARKS)}")
    return given


def task(name: str, given: argparse.Namespace) -> Callable[[], Report]:
    """Return what runs a benchmark. Each is imported only then: some measure what imports cost."""
    module = import_module(f"benchmarks.{name}")
    if name == "soak":
        return partial(
            module.report,
            minutes=given.minutes or 10,
            targets=given.targets or 5_000,
            influxdb=not given.no_influxdb,
            log_level=given.log_level,
        )
    if name == "replicas":
        return partial(
            module.report,
            given.size or Size.DEFAULT,
            minutes=given.minutes,
            targets=given.targets,
            interval_s=given.interval,
            groups=given.groups,
        )
    if name in SIZED:
        return partial(module.report, given.size or Size.DEFAULT)
    if hasattr(module, "report"):
        found: Callable[[], Report] = module.report
        return found
    table: Callable[[], Table] = module.table
    return lambda: Report((table(),))


def main() -> int:
    given = arguments()
    # As wide as the terminal where somebody looks; else as wide as a table wants to be.
    console = Console(width=None if sys.stdout.isatty() else 250)
    show: Callable[[Table], None] = (
        (lambda table: print(markdown(table))) if given.markdown else console.print
    )
    command = shlex.join(["python", "-m", "benchmarks", *sys.argv[1:]])
    print(f"`{command}`: {facts()}\n", flush=True)
    failed = False
    for name in given.names or [each for each in BENCHMARKS if each not in LONG]:
        done = task(name, given)()
        for table in done.tables:
            show(table)
        for failure in done.failures:
            print(f"{name} FAILED: {failure}", file=sys.stderr)
        failed = failed or bool(done.failures)
        sys.stdout.flush()
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
