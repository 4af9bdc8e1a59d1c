"""What one exchange showed beside its result, for whoever looks at a single probe.

A probe on schedule has none: it costs nothing then. Headers are shown by a list of those that
matter; whatever is not on it (cookies, accounts, anything new) is counted, and stays hidden.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from probes.sanitise import sanitise
from probes.target import Target
from probes.wire.request import Origin
from probes.wire.timeline import Phase, Timeline

SHOWN: Final = frozenset(
    {
        *("age", "cache-control", "content-encoding", "content-length", "content-type", "date"),
        *("deprecation", "sunset", "link", "location", "retry-after", "retry-after-ms"),
        *("server", "server-timing", "transfer-encoding", "via", "warning", "www-authenticate"),
        # request ids: what a provider's support asks for
        *("apim-request-id", "cf-ray", "mistral-correlation-id", "request-id", "x-correlation-id"),
        *("x-amzn-requestid", "x-generation-id", "x-request-id", "x-ms-request-id"),
        # which model, where, how long, and why not
        *("cf-cache-status", "openai-model", "openai-processing-ms", "openai-version"),
        *("x-cache", "x-envoy-upstream-service-time", "x-groq-region", "x-ms-deployment-name"),
        *("x-ms-error-code", "x-ms-region", "x-process-time", "x-response-time", "x-should-retry"),
    }
)
"""Response headers that may be shown, in lower case. None of them names a user, an account or an
organisation, or is any use to somebody who finds it."""
SHOWN_PREFIXES: Final = ("anthropic-ratelimit-", "ratelimit", "x-ratelimit-")
MOST_SHOWN: Final = 40
"""Headers that are shown at most: more is no answer of an API, and nothing to look at."""


@dataclass(slots=True)
class Trace:
    """A close look at one probe: how long whoever looks can wait, and what he gets to see."""

    within_s: float = math.inf
    """Seconds after which an answer is of no use, waiting for a place included. The target's own
    deadline holds beside it."""
    request: str = ""
    """Method and address that was asked, without its query; "" when no request was made."""
    sent_bytes: int = 0
    received_bytes: int = 0
    idle_s: float | None = None
    """How long a connection that was used again had been idle; None for a new one."""
    reached: Phase = Phase.START
    """How far the exchange came."""
    headers: tuple[tuple[str, str], ...] = ()
    """Response headers that matter, sanitised, their names in lower case."""
    hidden_headers: int = 0

    def limited(self, target: Target, waited_s: float = 0.0) -> Target:
        """Return the target with the deadline that holds once `waited_s` of ours have passed."""
        left_s = max(0.0, round(self.within_s - waited_s, 3))  # people are told of it
        return target if left_s >= target.deadline_s else replace(target, deadline_s=left_s)

    def asked(self, origin: Origin, data: bytes, secrets: tuple[str, ...]) -> None:
        """Take down the request; of its bytes nothing but the first line is kept."""
        method, _, rest = data.partition(b"\r\n")[0].decode().partition(" ")
        path = rest.rpartition(" ")[0].partition("?")[0]
        self.request = sanitise(f"{method} {address(origin)}{path}", secrets)
        self.sent_bytes = len(data)

    def ended(
        self, timeline: Timeline, headers: Mapping[str, str] | None, secrets: tuple[str, ...]
    ) -> None:
        """Take down what came back; `headers` is None when no response head did."""
        self.received_bytes = timeline.wire_bytes
        self.idle_s = timeline.idle_s
        self.reached = timeline.phase
        came = headers or {}
        self.headers = shown(came, secrets)
        self.hidden_headers = len(came) - len(self.headers)


def address(origin: Origin) -> str:
    """Return an origin as it stands in an address; the port where it is not the usual one."""
    host = f"[{origin.host}]" if ":" in origin.host else origin.host
    scheme, usual = ("https", 443) if origin.secure else ("http", 80)
    return f"{scheme}://{host}" + ("" if origin.port == usual else f":{origin.port}")


def shown(headers: Mapping[str, str], secrets: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    """Return the headers that may be shown, sanitised, in alphabetical order."""
    names = sorted(name for name in headers if name in SHOWN or name.startswith(SHOWN_PREFIXES))
    return tuple((sanitise(n, secrets), _value(n, headers[n], secrets)) for n in names[:MOST_SHOWN])


def _value(name: str, value: str, secrets: tuple[str, ...]) -> str:
    if name == "location":  # a query may hold what logs somebody in
        value = value.partition("?")[0].partition("#")[0]
    return sanitise(value, secrets)
