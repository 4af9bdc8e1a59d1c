"""Which verdict an error means, and whose fault it is: the one place that decides.

Read from the top: by the error's code, then its type, then (for statuses that say too little) its
message, then the HTTP status. Types that say nothing of their own (`invalid_request_error`, which
OpenAI also sends with a 401, or `api_error`, which Ollama sends with a 404) come after the status.

The distinction that matters most is *account* against *provider*: a spent budget or a wrong key
must never look like an outage, nor an outage like a wrong key. So the messages, which anybody may
word anew, are only looked at where the status already says that the provider is answering us.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final
from urllib.parse import urlsplit

from probes.errorbody import ErrorFacts, error_facts
from probes.jsontext import JsonError, parse_json
from probes.providers import PRESETS
from probes.ratelimit import COMPATIBLE_DIALECT, rate_limits
from probes.result import Fault, Verdict
from probes.sanitise import redact, sanitise

DEFAULT_FAULT: Final[Mapping[Verdict, Fault]] = MappingProxyType(
    {
        Verdict.OK: Fault.NONE,
        Verdict.CONTENT_MISMATCH: Fault.PROVIDER,
        Verdict.TRUNCATED: Fault.PROVIDER,
        Verdict.EMPTY: Fault.PROVIDER,
        Verdict.STREAM_ERROR: Fault.PROVIDER,
        Verdict.PROTOCOL_ERROR: Fault.PROVIDER,
        Verdict.REFUSED: Fault.REQUEST,
        Verdict.TIMEOUT: Fault.PROVIDER,
        Verdict.THROTTLED: Fault.PROVIDER,
        Verdict.OVERLOADED: Fault.PROVIDER,
        Verdict.SERVER_ERROR: Fault.PROVIDER,
        Verdict.AUTH: Fault.ACCOUNT,
        Verdict.FORBIDDEN: Fault.ACCOUNT,
        Verdict.QUOTA: Fault.ACCOUNT,
        Verdict.INVALID_REQUEST: Fault.REQUEST,
        Verdict.MODEL_NOT_FOUND: Fault.REQUEST,
        Verdict.DNS_ERROR: Fault.PROVIDER,
        Verdict.CONNECT_ERROR: Fault.PROVIDER,
        Verdict.TLS_ERROR: Fault.PROVIDER,
        Verdict.RESET: Fault.PROVIDER,
        Verdict.REDIRECTED: Fault.PROVIDER,
        Verdict.OVERSIZED: Fault.PROVIDER,
        Verdict.MONITOR_ERROR: Fault.MONITOR,
    }
)
"""Whose fault a verdict is when nothing more is known."""


class WireFailure(StrEnum):
    """How an exchange can fail without a usable answer."""

    DNS = "dns"
    CONNECT = "connect"
    TLS = "tls"
    TLS_NO_ROOTS = "tls_no_roots"
    """Our own trust store is empty, so every certificate looks forged."""
    RESET = "reset"
    TRUNCATED = "truncated"
    """The connection ended before the body did."""
    TIMEOUT = "timeout"
    OVERSIZED = "oversized"
    PROTOCOL = "protocol"
    STALE = "stale"
    """A kept connection broke before a byte of the answer came: most likely it had just been
    closed for its idleness, which a user's client would not even notice."""
    MONITOR = "monitor"


@dataclass(frozen=True, slots=True)
class Classified:
    """A verdict, whose fault it is, and a sanitised line for people."""

    verdict: Verdict
    fault: Fault
    detail: str = ""


_FAILURES: Final[Mapping[WireFailure, tuple[Verdict, Fault | None]]] = MappingProxyType(
    {
        WireFailure.DNS: (Verdict.DNS_ERROR, None),
        WireFailure.CONNECT: (Verdict.CONNECT_ERROR, None),
        WireFailure.TLS: (Verdict.TLS_ERROR, None),
        WireFailure.TLS_NO_ROOTS: (Verdict.TLS_ERROR, Fault.MONITOR),
        WireFailure.RESET: (Verdict.RESET, None),
        WireFailure.TRUNCATED: (Verdict.TRUNCATED, None),
        WireFailure.TIMEOUT: (Verdict.TIMEOUT, None),
        WireFailure.OVERSIZED: (Verdict.OVERSIZED, None),
        WireFailure.PROTOCOL: (Verdict.PROTOCOL_ERROR, None),
        WireFailure.STALE: (Verdict.RESET, Fault.NETWORK),
        WireFailure.MONITOR: (Verdict.MONITOR_ERROR, None),
    }
)

_WORDS: Final[Mapping[Verdict, str]] = MappingProxyType(
    {
        # https://platform.openai.com/docs/guides/error-codes
        Verdict.QUOTA: """
            insufficient_quota credit_balance_exhausted organization_spend_limit_exceeded
            project_spend_limit_exceeded organization_usage_limit_exceeded
            billing_hard_limit_reached billing_not_active insufficient_credits payment_required
        """,
        Verdict.THROTTLED: """
            rate_limit_exceeded slow_down rate_limit_error rate_limited too_many_requests
            RateLimitError RESOURCE_EXHAUSTED requests tokens
        """,
        Verdict.OVERLOADED: """
            server_is_overloaded overloaded overloaded_error engine_overloaded
            service_unavailable ServiceUnavailableError UNAVAILABLE
        """,
        Verdict.AUTH: """
            invalid_api_key incorrect_api_key expired_api_key missing_api_key invalid_authentication
            authentication_error AuthenticationError invalid_organization mismatched_organization
            mismatched_project ip_not_authorized unauthorized UNAUTHENTICATED account_deactivated
        """,
        Verdict.FORBIDDEN: """
            unsupported_country_region_territory permission_denied permission_error access_denied
            forbidden PermissionDeniedError PERMISSION_DENIED access_terminated
        """,
        Verdict.MODEL_NOT_FOUND: """
            model_not_found model_not_available model_decommissioned model_deprecated invalid_model
            unknown_model DeploymentNotFound
        """,
        # Azure's filter answers 400: https://learn.microsoft.com/azure/ai-services/openai/concepts/content-filter
        Verdict.REFUSED: """
            content_filter content_policy_violation moderation_blocked invalid_prompt
        """,
        Verdict.INVALID_REQUEST: """
            unsupported_parameter unsupported_value invalid_value invalid_type unknown_parameter
            missing_required_parameter context_length_exceeded string_above_max_length
            integer_below_min_value integer_above_max_value
        """,
    }
)
_BY_WORD: Final[Mapping[str, Verdict]] = MappingProxyType(
    {word: verdict for verdict, words in _WORDS.items() for word in words.split()}
)
"""Codes and types that mean one thing, spelt so (Scaleway's "INSUFFICIENT QUOTA" is load)."""

_GENERIC: Final[Mapping[str, Verdict]] = MappingProxyType(
    {
        "invalid_request_error": Verdict.INVALID_REQUEST,
        "BadRequestError": Verdict.INVALID_REQUEST,
        "INVALID_ARGUMENT": Verdict.INVALID_REQUEST,
        "NotFoundError": Verdict.MODEL_NOT_FOUND,
    }
)
"""Types that only help when there is no status: they also come with statuses that say more."""

_BY_STATUS: Final[Mapping[int, Verdict]] = MappingProxyType(
    {
        401: Verdict.AUTH,
        402: Verdict.QUOTA,  # OpenRouter: no credits left
        403: Verdict.FORBIDDEN,
        # The server gave up waiting. Not `timeout`: that verdict says that a deadline of *ours*
        # cut the exchange short, and its latency counts as a lower bound.
        408: Verdict.SERVER_ERROR,
        409: Verdict.SERVER_ERROR,  # a lock timed out, says openai-python, which retries it
        410: Verdict.MODEL_NOT_FOUND,
        425: Verdict.SERVER_ERROR,
        429: Verdict.THROTTLED,
        451: Verdict.FORBIDDEN,
        503: Verdict.OVERLOADED,
        529: Verdict.OVERLOADED,  # Anthropic: https://docs.anthropic.com/en/api/errors
    }
)

_BAD_KEY: Final = re.compile(
    r"(?:incorrect|invalid|wrong|missing) api[ _-]?key|api[ _-]?key (?:is )?(?:not valid|invalid)",
    re.IGNORECASE,
)
"""xAI answers a wrong key with 400 and "Incorrect API key provided", Google with "not valid"."""
_NO_MONEY: Final = re.compile(
    r"spend(?:ing)? limit|exceeded your current quota|billing hard limit"
    r"|(?:used all|out of|insufficient|not enough|any|no) (?:available |more )?(?:credits?|funds)\b"
    r"|credit balance|insufficient balance",
    re.IGNORECASE,
)
"""xAI: 429 "used all available credits or reached its monthly spending limit", 403 "doesn't have
any credits"; DeepSeek: 402 "Insufficient Balance"."""
_PER_PERIOD: Final = re.compile(
    r"per[ -](?:second|sec|minute|min|hour)\b|\b[rt]p[smh]\b", re.IGNORECASE
)
"""A limit that fills up again by itself is load, whatever the code calls it."""
_NO_MODEL: Final = re.compile(
    r"(?:unknown|invalid|no such) model"
    r"|\bmodel\b.{0,80}?(?:not found|not exist|decommissioned|deprecated|retired)",
    re.IGNORECASE,
)
_ABOUT_MODEL: Final = re.compile(r"\bmodel\b|\bdeployment\b", re.IGNORECASE)

_MESSAGE_STATUSES: Final = frozenset({None, 400, 401, 402, 403, 404, 429})
"""Where messages are looked at; None is an error inside an answer that began with 200."""
_MESSAGE_CHARS: Final = 2000
"""Characters of a message that are searched: honest ones have a few hundred, an endless one must
not hold up the event loop."""
_SNIPPET_BYTES: Final = 1024


def classified(verdict: Verdict, detail: str, *, fault: Fault | None = None) -> Classified:
    """Build a Classified with the verdict's usual fault, unless another one is known."""
    return Classified(verdict, DEFAULT_FAULT[verdict] if fault is None else fault, detail)


def classify_failure(
    kind: WireFailure, detail: str = "", *, secrets: Iterable[str] = ()
) -> Classified:
    """Say what a failure of the transport means."""
    verdict, fault = _FAILURES[kind]
    return classified(verdict, sanitise(detail, secrets), fault=fault)


def classify_response(
    status: int,
    headers: Mapping[str, str],
    body: bytes,
    *,
    preset: str,
    secrets: Iterable[str] = (),
) -> Classified:
    """Classify an answer that is not the one we asked for, whatever its body holds. Never raises.

    A 2xx comes here when its body is not what it should be: an error inside it is classified by
    its code, and anything else is a protocol error. The body may be cut short by the caller; the
    names of headers are in lower case.
    """
    secrets = tuple(secrets)
    if 300 <= status <= 399:
        # The host comes out in lower case, in which a secret would not be known again.
        where = _redirect(status, redact(headers.get("location", ""), secrets))
        return classified(Verdict.REDIRECTED, sanitise(where, secrets))
    facts = _facts(body)
    if 200 <= status <= 299:
        return _classify(facts, None, Verdict.PROTOCOL_ERROR, f"HTTP {status}", secrets)
    if not 400 <= status <= 599:
        return classified(Verdict.PROTOCOL_ERROR, f"HTTP {status}, which is no final status")
    found = _classify(facts, status, Verdict.INVALID_REQUEST, f"HTTP {status}", secrets)
    if found.verdict is Verdict.THROTTLED and _exhausted(headers, preset):
        return Classified(found.verdict, Fault.ACCOUNT, found.detail)
    return found


def classify_error_object(
    answer: object, *, otherwise: Verdict, where: str, secrets: Iterable[str] = ()
) -> Classified:
    """Classify an error found inside an answer that began with status 200.

    A numeric code counts as the status it stands for. An error that says nothing we know is
    `otherwise` (a stream error, or a protocol error in a plain answer).
    """
    return _classify(error_facts(answer), None, otherwise, where, secrets)


def _classify(
    facts: ErrorFacts, status: int | None, otherwise: Verdict, where: str, secrets: Iterable[str]
) -> Classified:
    status = facts.status if status is None else status
    verdict = _by_words(facts) or _by_message(facts, status) or _by_status(facts, status)
    if verdict is Verdict.QUOTA and _PER_PERIOD.search(facts.message):
        verdict = Verdict.THROTTLED
    label = facts.code or facts.kind
    detail = ": ".join(part for part in (f"{where} {label}".strip(), facts.message) if part)
    return classified(verdict or otherwise, sanitise(detail, secrets))


def _by_words(facts: ErrorFacts) -> Verdict | None:
    return _BY_WORD.get(facts.code) or _BY_WORD.get(facts.kind)


def _by_message(facts: ErrorFacts, status: int | None) -> Verdict | None:
    if status not in _MESSAGE_STATUSES:
        return None
    message = facts.message[:_MESSAGE_CHARS]
    if _BAD_KEY.search(message):
        return Verdict.AUTH
    if _NO_MONEY.search(message):
        return Verdict.QUOTA
    return Verdict.MODEL_NOT_FOUND if _NO_MODEL.search(message) else None


def _by_status(facts: ErrorFacts, status: int | None) -> Verdict | None:
    if status is None:
        return _GENERIC.get(facts.kind)
    if status == 404:
        about_model = _ABOUT_MODEL.search(f"{facts.code} {facts.message}")
        return Verdict.MODEL_NOT_FOUND if about_model else Verdict.INVALID_REQUEST
    if status in _BY_STATUS:
        return _BY_STATUS[status]
    return Verdict.SERVER_ERROR if status >= 500 else Verdict.INVALID_REQUEST


def _exhausted(headers: Mapping[str, str], preset: str) -> bool:
    """Whether the headers themselves say that one of our buckets is empty."""
    known = PRESETS.get(preset)
    dialect = COMPATIBLE_DIALECT if known is None else known.rate_limits
    return any(limit.remaining == 0 for limit in rate_limits(headers, dialect))


def _facts(body: bytes) -> ErrorFacts:
    """Read an error body; what is not JSON is shown as it begins."""
    try:
        facts = error_facts(parse_json(body))
    except JsonError:
        facts = ErrorFacts()
    if facts == ErrorFacts():
        return ErrorFacts(message=body[:_SNIPPET_BYTES].decode("utf-8", "replace"))
    return facts


def _redirect(status: int, location: str) -> str:
    """Describe a redirect by its host alone: the rest of the address may carry a credential."""
    try:
        host = urlsplit(location).hostname
    except ValueError:
        host = None
    return f"HTTP {status} to {host or 'another path'}, which probes do not follow"
