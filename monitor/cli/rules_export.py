"""Write every rule as a Prometheus alerting rule over the metrics that Sonde exposes.

examples:
  sonde rules export --prometheus                          of ./sonde.yaml, to the terminal
  sonde rules export --prometheus sonde.yaml --output rules.yml
  promtool check rules rules.yml                           Prometheus 2.42 or newer

docs/prometheus-alerts.md says what is the same and what is not.
"""

import argparse
import sys
from pathlib import Path

from alerting.metric import Measure
from alerting.prometheus.rule_file import Exposed, rule_file
from monitor.cli.beside import configured
from monitor.cli.naming import add_config
from monitor.cli.output import put
from monitor.config.durations import format_duration
from monitor.config.errors import ConfigError
from monitor.config.values import Config
from monitor.series import DURATION_BUCKETS, FIRST_TOKEN_BUCKETS, INTER_TOKEN_BUCKETS


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the subcommand's arguments."""
    parser.add_argument("--prometheus", action="store_true", required=True, help="as its rule file")
    add_config(parser)
    parser.add_argument("--output", type=Path, metavar="FILE", help="write to a file")


def run(arguments: argparse.Namespace) -> int:
    """Write the file; 0: done; 1: it cannot be written; 2: the configuration is wrong."""
    try:
        text = exported(configured(arguments.file))
    except ConfigError as error:
        sys.stderr.writelines(f"{problem}\n" for problem in error.problems)
        return 2
    if arguments.output is None:
        put(text)
        return 0
    try:
        arguments.output.write_text(text, encoding="utf-8")
    except OSError as error:
        sys.stderr.write(f"{arguments.output}: {error.strerror}\n")
        return 1
    return 0


def exported(config: Config) -> str:
    """Return the rules of a configuration as Prometheus reads them."""
    exposed = Exposed(
        targets=config.targets,
        location=config.location,
        windows={length_s: format_duration(length_s) for length_s in config.windows_s},
        bounds={
            Measure.LATENCY: DURATION_BUCKETS,
            Measure.FIRST_TOKEN: FIRST_TOKEN_BUCKETS,
            Measure.INTER_TOKEN: INTER_TOKEN_BUCKETS,
        },
        every_s=config.evaluate_every_s,
        duration=format_duration,
    )
    return rule_file(config.rules, exposed)
