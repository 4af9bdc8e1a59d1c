"""Structured logs on stderr: one event name and its fields a line, secrets taken out.

JSON lines where a machine reads, aligned colours where a person does (stderr is a terminal).
"""

import logging
import sys
from collections.abc import Callable
from typing import Final, TextIO, cast

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from monitor.stderr import Stderr
from probes.sanitise import redact

QUIET: Final = (
    *("httpx2", "httpcore2", "openai", "slack_sdk", "influxdb_client"),
    *("aiohttp.access", "uvicorn.access", "uvicorn.error"),
)
"""Loggers that print whole URLs or headers at INFO or DEBUG, where webhook URLs and keys stand."""


class Redactor:
    """A log processor that masks known secrets and key-shaped text in every field."""

    def __init__(self, secrets: Callable[[], tuple[str, ...]]) -> None:
        """Ask `secrets` anew for each event: a token is replaced while we run."""
        self._secrets = secrets

    def __call__(self, _logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        """Return the event with every text in it redacted."""
        secrets = self._secrets()
        return {key: _masked(value, secrets) for key, value in event.items()}


def _masked(value: object, secrets: tuple[str, ...]) -> object:
    if isinstance(value, str):
        return redact(value, secrets)
    if isinstance(value, dict):
        return {_masked(key, secrets): _masked(inner, secrets) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_masked(inner, secrets) for inner in value]
    return value if isinstance(value, int | float | None) else _masked(repr(value), secrets)


def _is_fit(record: logging.LogRecord) -> bool:
    """Say whether a record may be printed.

    One without a logger's name is a library's `logging.debug(...)`, which no level above reaches:
    below a warning it holds whatever its author wanted to see, whole answers for one.
    """
    return record.name != "root" or record.levelno >= logging.WARNING


def set_up(
    secrets: Callable[[], tuple[str, ...]] = tuple,
    *,
    level: str = "INFO",
    json: bool | None = None,
    for_good: bool = False,
) -> Stderr:
    """Send structlog's and the standard library's events to stderr, redacted; return the writer.

    `json` None decides by whether stderr is a terminal. `for_good`: every logger keeps what it
    finds at its first event, which is quicker, and as a daemon wants it.
    """
    stderr = Stderr()
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    as_json = json if json is not None else not (sys.stderr and sys.stderr.isatty())
    common: list[Processor] = [
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    tail: list[Processor] = [structlog.processors.format_exc_info, Redactor(secrets)]
    render: Processor = (
        structlog.processors.JSONRenderer() if as_json else structlog.dev.ConsoleRenderer()
    )
    threshold = logging.getLevelNamesMapping()[level]
    structlog.configure(
        processors=[*common, *tail, render],
        wrapper_class=structlog.make_filtering_bound_logger(threshold),
        logger_factory=structlog.WriteLoggerFactory(cast("TextIO", stderr)),
        cache_logger_on_first_use=for_good,
    )
    handler = logging.StreamHandler(stderr)
    handler.addFilter(_is_fit)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                *tail,
                render,
            ],
            foreign_pre_chain=common,
        )
    )
    logging.basicConfig(handlers=[handler], level=threshold, force=True)
    return stderr
