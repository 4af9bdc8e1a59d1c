"""Text of others, so that no chat takes it for more than text: nobody is called by a provider."""

import re
from typing import Final

from probes.sanitise import sanitise

_MENTION: Final = re.compile(r"([@<])(?=[\w!@#&:/])")
"""`@everyone`, `@here`, `@name` (Discord, Teams, Telegram), `<!channel>`, `<@U1>` (Slack)."""


def literal(text: str) -> str:
    """Return text in one line that no chat reads as a mention or as a command to it."""
    return _MENTION.sub("\\1\N{ZERO WIDTH SPACE}", sanitise(text))
