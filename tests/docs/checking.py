"""What is held against each kind of block. A kind that is not known here is a failure.

A check returns complaints: none means that somebody who copies the block gets what it promises, as
far as this machine can tell.
"""

import ast
import io
import json
import re
import shlex
import subprocess
import tomllib
from collections.abc import Callable, Iterator, Mapping
from contextlib import redirect_stderr, redirect_stdout
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import kubernetes_validate
import yaml

from monitor.cli import COMMANDS, main
from monitor.cli.commands import command_parser
from monitor.config.errors import ConfigError
from monitor.config.models import RootSection
from tests.docs import configs
from tests.docs.blocks import ROOT, Block, command_lines, commands
from tests.servers.running import installed

KUBERNETES: Final = "1.29"
"""The oldest that clouds still run for those who are late."""
OTHERS: Final = frozenset(
    {
        "$EDITOR",
        "ask",
        "cd",
        "cp",
        "curl",
        "docker",
        "export",
        "git",
        "helm",
        "influx",
        "jq",
        "kill",
        "kubectl",
        "logger",
        "redis-cli",
    }
    | {"mkdir", "mkdocs", "openssl", "pip", "printf", "promtool", "source", "sqlite3"}
    | {"install", "systemctl"}
)
"""Programs that pages name and nothing here can run: their line is read by a shell, no more."""
ELLIPSIS: Final = "…"
LIMIT_S: Final = 30.0

_CONFIG_KEYS: Final = frozenset(field.alias or n for n, field in RootSection.model_fields.items())
_PROMETHEUS_KEYS: Final = frozenset({"global", "scrape_configs", "rule_files", "alerting"})
_ALERTMANAGER_KEYS: Final = frozenset({"inhibit_rules", "receivers", "route"})
_ROUTED: Final = {"receivers": [{"name": "a"}], "route": {"receiver": "a"}}
"""What an Alertmanager's configuration has beside the piece on a page."""
_GRAFANA_KEYS: Final = frozenset({"apiVersion", "datasources", "providers"})
_OURS: Final = re.compile(r"^(?:\.venv|/opt/sonde)/bin/")
"""Where pages install us."""
_TARGET: Final = re.compile(r"^([a-z][a-z-]*):", re.MULTILINE)
_UNSAID: Final = re.compile(r"arguments are required|expected one argument")
_METRICS_QL: Final = re.compile(r"\bhistogram_over_time\b")


def check(block: Block, folder: Path) -> list[str]:
    """Return what is wrong with a block; `folder` is for files it takes."""
    kind = KINDS.get(block.language)
    if kind is None:
        return [f"nobody knows how to check a block of {block.language or 'no language'!r}"]
    return list(kind(block, folder))


def _text(block: Block, _folder: Path) -> Iterator[str]:
    """Drawings and what programs print: nothing in it is for a reader to type."""
    for line in block.text.splitlines():
        if re.match(r"\$ |(?:make|docker|kubectl|curl) \w", line):
            yield f"a command in a block of text: {line}"


def _shell(block: Block, folder: Path) -> Iterator[str]:
    script = "\n".join(command_lines(block))
    yield from _told("bash", "-n", "-c", script)
    if "()" in script:  # a function: what is in it is no list of commands
        return
    for line in _lines(script):
        for program, *arguments in commands(line):
            yield from _program(_OURS.sub("", program), arguments)


def _lines(script: str) -> Iterator[str]:
    """Join the lines of a text in quotes."""
    held = ""
    for line in script.splitlines():
        held += line
        if held.count('"') % 2 == 0:
            yield held
            held = ""
        else:
            held += "\n"


def _program(program: str, arguments: list[str]) -> Iterator[str]:
    if program == "sonde":
        yield from _sonde(arguments)
    elif "--" in arguments:  # what another program is to run: kubectl exec POD -- sonde …
        program, *arguments = arguments[arguments.index("--") + 1 :]
        yield from _program(program, arguments)
    elif program == "make":
        asked = [each for each in arguments if "=" not in each]
        yield from (f"make knows no {each}" for each in asked if each not in _make_targets())
    elif program in ("python", "python3"):
        if arguments[:1] == ["-m"] and find_spec(arguments[1]) is None:
            yield f"no module {arguments[1]}"
    elif program not in OTHERS:
        yield f"a program nobody has heard of: {program}"


@cache
def _make_targets() -> frozenset[str]:
    return frozenset(_TARGET.findall((ROOT / "Makefile").read_text(encoding="utf-8")))


def _sonde(arguments: list[str]) -> Iterator[str]:
    """Have the real parsers read a command line."""
    if arguments[:1] == ["help"]:
        arguments = [*arguments[1:], "--help"]
    words = io.StringIO()
    try:
        with redirect_stderr(words), redirect_stdout(io.StringIO()):
            command_parser(COMMANDS).parse_args(arguments)
    except SystemExit as end:
        if end.code not in (0, None):
            yield f"sonde {' '.join(arguments)}: {words.getvalue().strip()}"


def check_mention(line: str) -> list[str]:
    """Return what is wrong with a command in a sentence: it may leave out what it is about."""
    _, *arguments = shlex.split(line)
    told = [] if "COMMAND" in arguments else list(_sonde(arguments))
    return [each for each in told if not _UNSAID.search(each)]


def _yaml(block: Block, folder: Path) -> Iterator[str]:
    try:
        documents: list[Any] = list(yaml.safe_load_all(block.text))
    except yaml.YAMLError as error:
        yield str(error)
        return
    first = documents[0]
    keys = frozenset(first) if isinstance(first, dict) else frozenset()
    if isinstance(first, list):
        yield from _promtool("rules", json.dumps(_rules(first)), folder)
    elif "kind" in keys:
        for each in documents:
            yield from _kubernetes(each, folder)
    elif "tests" in keys:
        yield from _rule_tests(block.text, folder)
    elif "jobs" in keys:
        yield from _workflow(first, folder)
    elif keys <= _CONFIG_KEYS:
        yield from _config(block.text, folder)
    elif keys <= _PROMETHEUS_KEYS:
        yield from _promtool("config", block.text, folder)
    elif keys <= _ALERTMANAGER_KEYS:
        yield from _amtool({**_ROUTED, **first}, folder)
    elif keys <= _GRAFANA_KEYS:
        yield from _grafana(first)
    else:
        yield f"nobody knows what YAML with the keys {', '.join(sorted(keys))} is"


def _workflow(workflow: dict[Any, Any], folder: Path) -> Iterator[str]:
    """Read the commands of a CI job as a shell does."""
    for job in workflow["jobs"].values():
        for step in job["steps"]:
            yield from _shell(Block(Path(), 0, "sh", step.get("run", "")), folder)


def _cron(block: Block, folder: Path) -> Iterator[str]:
    """Read lines of a crontab: five fields, and a command."""
    for line in block.text.splitlines():
        *times, command = line.split(maxsplit=5)
        if len(times) != 5 or not all(re.fullmatch(r"[0-9*,/-]+", each) for each in times):
            yield f"no line of a crontab: {line}"
        yield from _shell(Block(block.page, block.line, "sh", command), folder)


def _config(text: str, folder: Path) -> Iterator[str]:
    try:
        configs.check(text, folder)
    except ConfigError as error:
        yield str(error)


def _kubernetes(document: dict[str, Any], folder: Path) -> Iterator[str]:
    try:
        kubernetes_validate.validate(document, KUBERNETES, strict=True)
    except (
        kubernetes_validate.ValidationError,
        kubernetes_validate.SchemaNotFoundError,
        kubernetes_validate.InvalidSchemaError,
    ) as error:
        yield f"{document.get('kind')}: {error}"
    if document["kind"] == "ConfigMap":
        yield from _config(document["data"]["sonde.yaml"], folder)


def _rule_tests(text: str, folder: Path) -> Iterator[str]:
    """Have `sonde rules test` run them, against the configuration that is shipped."""
    shipped = (ROOT / "deploy" / "sonde.yaml").read_text(encoding="utf-8")
    (folder / "sonde.yaml").write_text(shipped, encoding="utf-8")
    (folder / "rules_test.yaml").write_text(text, encoding="utf-8")
    words = io.StringIO()
    with redirect_stdout(words), redirect_stderr(words):
        code = main(["rules", "test", str(folder / "rules_test.yaml")])
    if code != 0:
        yield words.getvalue()


def _grafana(document: dict[str, Any]) -> Iterator[str]:
    """Look for what each data source needs.

    https://grafana.com/docs/grafana/latest/administration/provisioning/#data-sources
    """
    if document["apiVersion"] != 1:
        yield "Grafana provisions by apiVersion 1"
    for source in document.get("datasources", ()):
        if not {"name", "type", "url"} <= source.keys():
            yield f"a data source wants name, type and url: {source}"
    for provider in document.get("providers", ()):
        if provider.get("type") != "file" or "path" not in provider.get("options", {}):
            yield f"dashboards come from files, at a path: {provider}"


def _rules(rules: object) -> dict[str, Any]:
    return {"groups": [{"name": "page", "rules": rules}]}


def _promql(block: Block, folder: Path) -> Iterator[str]:
    """Have promtool read each expression: a blank line, or an outdented one, ends it."""
    text = re.sub(r"^#.*\n", "", block.text, flags=re.MULTILINE)
    if block.asked == "MetricsQL":
        text = _METRICS_QL.sub("last_over_time", text)
    parts = re.split(r"\n(?=\S)(?![)])", text.strip())
    rules = [{"record": f"page:{i}", "expr": part} for i, part in enumerate(parts) if part.strip()]
    yield from _promtool("rules", json.dumps(_rules(rules)), folder)


def _promtool(what: str, text: str, folder: Path) -> Iterator[str]:
    path = folder / f"prometheus-{what}.yml"
    text = re.sub(rf"{ELLIPSIS}, |, {ELLIPSIS}|\\u2026, |, \\u2026", "", text)
    path.write_text(text, encoding="utf-8")
    (folder / "prometheus-rules.yml").touch()
    yield from _told(installed("promtool"), "check", what, str(path))


def _amtool(document: dict[str, Any], folder: Path) -> Iterator[str]:
    path = folder / "alertmanager.yml"
    path.write_text(json.dumps(document), encoding="utf-8")
    yield from _told(installed("amtool"), "check-config", str(path))


def _told(*command: str) -> Iterator[str]:
    """Run a program that reads and judges; yield what it says when it refuses."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_S, check=False)
    if done.returncode != 0:
        yield f"{done.stdout}{done.stderr}".strip()


def _parsed(parse: Callable[[str], object]) -> Callable[[Block, Path], Iterator[str]]:
    def checked(block: Block, _folder: Path) -> Iterator[str]:
        try:
            parse(block.text)
        except (SyntaxError, ValueError) as error:
            yield str(error)

    return checked


KINDS: Final[Mapping[str, Callable[[Block, Path], Iterator[str]]]] = {
    "console": _shell,
    "cron": _cron,
    "json": _parsed(json.loads),
    "promql": _promql,
    "python": _parsed(ast.parse),
    "sh": _shell,
    "text": _text,
    "toml": _parsed(tomllib.loads),
    "yaml": _yaml,
}
