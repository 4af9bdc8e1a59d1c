"""Write a first configuration: from the keys that are there, some questions, or options.

examples:
  sonde init                                    asks, and writes ./sonde.yaml
  sonde init --yes                              takes whatever there is a key for
  sonde init --provider openai --model gpt-4o-mini --embedding text-embedding-3-small
  sonde init --provider openai --provider xai --budget-usd 1 --slack-webhook-env SLACK_WEBHOOK_URL
  sonde init --base-url http://localhost:8000/v1 --model qwen3-30b    vLLM, or a gateway: no key
  sonde init --yes --probe                      then sends each target one request

Keys are looked for in the environment and in ./.env, and never printed nor written: the file names
the variables. Options stand behind the provider they are about. A file that is there is left alone
unless you say --force. What is written has been read back as `sonde run` will read it.
"""

import argparse
import json
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Final

from monitor.cli import main
from monitor.cli.output import put
from monitor.config.durations import format_duration
from monitor.config.environment import variables
from monitor.config.errors import ConfigError
from monitor.config.load import Loaded, load
from monitor.onboarding.asking import SLACK, YES, asked
from monitor.onboarding.price import price_of, usd, words
from monitor.onboarding.usual import Key, keys_in, stand_in
from monitor.onboarding.wish import Wish, WishError, watched_from, watched_of
from monitor.onboarding.writing import configuration
from probes.providers import PRESETS

EPILOG: Final = (
    "Exit codes: 0 written (and with --probe every answer was good), 1 the file cannot be written,"
    " or a probe failed, 2 what was asked for is no configuration, or the file is there already,"
    " 130 interrupted."
)
OF_PROVIDER: Final = {
    "--provider": ("PRESET", f"watch one of {', '.join(PRESETS)}"),
    "--model": ("NAME", "a chat model of it; may be given several times"),
    "--embedding": ("NAME", "an embedding model of it; likewise"),
    "--base-url": ("URL", "where it is, up to /v1 (azure: its endpoint)"),
    "--key-env": ("VARIABLE", "the variable that holds its key"),
}
STAND_IN_URL: Final = "https://stand-in.invalid/"
"""What a channel's variable holds while there is none, so that all else can be looked at."""


class _OfProvider(argparse.Action):
    """Keeps these options together in the order they stand in: each is of the provider before."""

    # Any: what argparse hands to every action.
    def __call__(
        self,
        _parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: Any,  # noqa: ANN401
        _option: str | None = None,
    ) -> None:
        said = (*(getattr(namespace, "said", None) or ()), (self.metavar_name, str(values)))
        namespace.said = said

    @property
    def metavar_name(self) -> str:
        return self.option_strings[0].removeprefix("--").replace("-", "_")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument(
        "file", nargs="?", type=Path, default=Path("sonde.yaml"), help="default: %(default)s"
    )
    for option, (metavar, text) in OF_PROVIDER.items():
        choices = tuple(PRESETS) if option == "--provider" else None
        parser.add_argument(
            option, action=_OfProvider, dest="said", metavar=metavar, choices=choices, help=text
        )
    parser.add_argument("--interval", metavar="TIME", help="between two probes (default: 60s)")
    parser.add_argument("--budget-usd", type=_dollars, metavar="USD", help="at most, each day")
    parser.add_argument(
        "--slack-webhook-env", metavar="VARIABLE", help="holds the URL of a Slack webhook"
    )
    parser.add_argument(
        "--webhook-env", metavar="VARIABLE", help="holds the URL of a receiver of your own"
    )
    parser.add_argument("--yes", action="store_true", help="ask nothing: take what there is")
    parser.add_argument("--force", action="store_true", help="write over a file that is there")
    parser.add_argument("--probe", action="store_true", help="then probe each target once")
    parser.add_argument("--json", action="store_true", help="print JSON")


def _dollars(text: str) -> float:
    try:
        amount = float(text)
    except ValueError:
        amount = 0.0
    if not 0.0 < amount < 1e9:
        raise argparse.ArgumentTypeError(f"{text!r}: expected US dollars, such as 1 or 0.50")
    return amount


def run(arguments: argparse.Namespace) -> int:
    """Write the file; 0: written; 1: it cannot be, or a probe failed; 2: a mistake."""
    try:
        if not arguments.force:
            _free(arguments.file)
        known = variables(os.environ, Path.cwd())
        wish = _wish(arguments, known)
        loaded = written(arguments.file, wish, known, force=arguments.force)
    except (WishError, ConfigError) as error:
        return _refuse(str(error))
    except FileExistsError:
        return _refuse(f"{arguments.file} is there already: --force writes over it")
    missing = _missing(wish, known)
    if arguments.json:
        put(json.dumps(as_json(arguments.file, loaded, missing), indent=2) + "\n")
    else:
        put("\n".join(_told(arguments.file, loaded, missing)) + "\n")
    if not missing and (arguments.probe or _wants_probes(arguments)):
        return _probe(arguments.file, loaded)
    return 0


def _refuse(problem: str) -> int:
    sys.stderr.write(f"{problem}\n")
    return 2


def _free(path: Path) -> None:
    if path.exists():
        raise FileExistsError(path)


def _asks(arguments: argparse.Namespace) -> bool:
    """Whether nothing is said, and somebody is to be asked."""
    options = ("said", "interval", "budget_usd", "slack_webhook_env", "webhook_env")
    return not arguments.yes and all(getattr(arguments, name) is None for name in options)


def _wants_probes(arguments: argparse.Namespace) -> bool:
    if not _asks(arguments):
        return False
    try:
        return _ask("Send each target one request now? [y/N]: ").strip().lower() in YES
    except WishError:  # no answer is no
        return False


def _wish(arguments: argparse.Namespace, known: Mapping[str, str]) -> Wish:
    keys = list(keys_in(known))
    if _asks(arguments):
        if not sys.stdin.isatty():
            raise WishError("nobody to ask: say --provider …, --base-url … or --yes")
        return asked(_ask, keys, known)
    watched = watched_from(arguments.said or (), keys) or tuple(map(watched_of, _certain(keys)))
    if not watched:
        names = "OPENAI_API_KEY, ANTHROPIC_API_KEY or another"
        raise WishError(f"no key is there: set {names}, or say --provider … or --base-url …")
    there = SLACK if arguments.yes and known.get(SLACK) else None
    return Wish(
        watched=watched,
        interval=arguments.interval or "60s",
        budget_usd=arguments.budget_usd,
        slack_webhook=arguments.slack_webhook_env or there,
        webhook=arguments.webhook_env,
    )


def _certain(keys: Sequence[Key]) -> list[Key]:
    """Return the keys to take unasked: of servers of one's own nothing else is known."""
    return [key for key in keys if PRESETS[key.preset].base_url is not None]


def _ask(question: str) -> str:
    sys.stderr.write(question)
    sys.stderr.flush()
    line = sys.stdin.readline()
    if not line:
        raise WishError("no answer")
    return line.rstrip("\n")


def written(path: Path, wish: Wish, known: Mapping[str, str], *, force: bool) -> Loaded:
    """Write the configuration, as one that was read back; return it.

    Variables that are not set yet have stand-ins meanwhile. Raises ConfigError and WishError for
    what would be no configuration, FileExistsError, and OSError when it cannot be written; then
    the file is as it was.
    """
    text = configuration(wish)
    file = path.resolve()  # so that a link stays one
    if file.exists() and not file.is_file():
        raise WishError(f"{path}: is no file")
    part = file.with_name(f".{file.name}.part")
    try:
        part.write_text(text, encoding="utf-8")
        loaded = _read_back(part, path, _stood_in(wish, known))
        if not force:
            path.touch(exist_ok=False)  # where a file is meanwhile, it stays
        part.replace(file)
    finally:
        part.unlink(missing_ok=True)
    return loaded


def _read_back(part: Path, path: Path, known: Mapping[str, str]) -> Loaded:
    try:
        return load(part, known, cwd=Path.cwd(), strict=False)
    except ConfigError as error:
        problems = (replace(each, source=str(path)) for each in error.problems)
        raise ConfigError(tuple(problems)) from None


def _stood_in(wish: Wish, known: Mapping[str, str]) -> dict[str, str]:
    channels = (wish.slack_webhook, wish.webhook)
    wanted = {name: STAND_IN_URL for name in channels if name is not None}
    wanted |= {each.variable: stand_in(each.preset) for each in wish.watched if each.variable}
    return {**wanted, **{name: value for name, value in known.items() if value}}


def _missing(wish: Wish, known: Mapping[str, str]) -> list[str]:
    named = (wish.slack_webhook, wish.webhook, *(each.variable for each in wish.watched))
    return [name for name in dict.fromkeys(named) if name is not None and not known.get(name)]


def _told(path: Path, loaded: Loaded, missing: Sequence[str]) -> list[str]:
    config = loaded.config
    names = ", ".join(each.name for each in config.providers)
    lines = [f"{path}: watches {names}"]
    lines += [
        f"  {target.name}: {target.operation} of {target.provider},"
        f" every {format_duration(target.interval_s)}"
        for target in config.targets
    ]
    lines.append(f"  {words(price_of(config.targets))}")
    lines += [f"  probes wait beyond {usd(budget.daily_usd)} a day" for budget in config.budgets]
    if not config.channels:
        lines.append("  nobody is told of alerts yet: notify.channels in the file")
    if missing:
        lines.append(f"next: set {', '.join(missing)}; then `sonde check {path}`")
    else:
        lines.append(f"next: `sonde check {path}`, then `sonde run {path}`")
    return lines


# Any: a JSON object, whose values differ by key.
def as_json(path: Path, loaded: Loaded, missing: Sequence[str]) -> dict[str, Any]:
    """Return what was written as a JSON object."""
    price = price_of(loaded.config.targets)
    return {
        "file": str(path),
        "providers": [each.name for each in loaded.config.providers],
        "targets": [each.name for each in loaded.config.targets],
        "at_most": {**asdict(price), "day_usd": price.day_usd},
        "missing_variables": list(missing),
    }


def _probe(path: Path, loaded: Loaded) -> int:
    codes = [main(["probe", each.name, "--config", str(path)]) for each in loaded.config.targets]
    return max(codes, default=0)
