"""What applies when nothing is said, each with its reason."""

import os
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Final

INTERVAL_S: Final = 60.0
DEADLINE_S: Final = 30.0
FIRST_TOKEN_DEADLINE_S: Final = 15.0
IDLE_DEADLINE_S: Final = 15.0
"""Between tokens an API that is alive pauses for seconds at most."""
MAX_OUTPUT_TOKENS: Final = 16
"""Enough for one word; several models refuse less."""

CHAT_PROMPT: Final = "Answer with the single word: ok"
EMBEDDINGS_PROMPT: Final = "The quick brown fox jumps over the lazy dog."

MAX_CONCURRENCY: Final = 8
NO_KEY: Final = "EMPTY"
"""What servers without keys are sent, since a request needs some key:
https://docs.vllm.ai/en/latest/getting_started/quickstart.html"""

EVALUATE_EVERY_S: Final = 5.0
WINDOWS_S: Final = (300.0, 900.0, 3600.0)
USUAL_WINDOW_S: Final = 900.0
"""A rule that says no `over` looks at the longest window up to this one: long enough for fifteen
probes at the default interval, short enough to notice within minutes."""

LISTEN: Final = "127.0.0.1:8000"
SLACK_API_URL: Final = "https://slack.com/api/"
PAGERDUTY_URLS: Final = {
    "us": "https://events.pagerduty.com/v2/enqueue",
    "eu": "https://events.eu.pagerduty.com/v2/enqueue",
}
"""By service region: https://support.pagerduty.com/main/docs/service-regions"""
HEARTBEAT_EVERY_S: Final = 60.0
"""A minute's silence is the least that a dead-man's switch usually notices."""

SYSTEM_STORE: Final = Path("/var/lib/sonde/sonde.db")


SHARED_LOCATION: Final = "default"
"""Where replicas are that do not say: a host's name would have each of them probe everything."""


def location() -> str:
    """Return the host's name."""
    return socket.gethostname() or "localhost"


def store_path(environ: Mapping[str, str], system: Path = SYSTEM_STORE) -> Path:
    """Return where the ledger is when nothing is said.

    The system's place when this user may write there, else the user's state folder
    (https://specifications.freedesktop.org/basedir-spec/latest/). Nothing is created.
    """
    if os.access(system.parent, os.W_OK | os.X_OK):
        return system
    named = environ.get("XDG_STATE_HOME", "")
    # The specification wants relative paths there ignored.
    state = Path(named) if named.startswith("/") else _home(environ) / ".local" / "state"
    return state / "sonde" / "sonde.db"


def _home(environ: Mapping[str, str]) -> Path:
    home = environ.get("HOME", "")
    return Path(home) if home.startswith("/") else Path("/var/tmp")  # noqa: S108 - the last resort
