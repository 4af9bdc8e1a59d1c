"""What every verdict means, whose fault it is, and what leads to it: the tables, and nothing else.

`probes.classify` applies them; docs/verdicts.md is rendered from them. The first fault of a verdict
is the one it has when nothing more is known, the others need the reason that stands beside them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from probes.hints import Hint
from probes.result import Fault, Verdict


@dataclass(frozen=True, slots=True)
class Blame:
    """One fault a verdict can have."""

    when: str
    """What must be known for it, as the end of a sentence."""
    hint: Hint | None = None
    """What to do about it, when nothing more precise is known."""


@dataclass(frozen=True, slots=True)
class Meaning:
    """One verdict."""

    text: str
    faults: Mapping[Fault, Blame]

    @property
    def fault(self) -> Fault:
        """Whose fault it is when nothing more is known."""
        return next(iter(self.faults))

    def hint(self, fault: Fault) -> Hint | None:
        """Say what to do about it in general; None: there is nothing to say."""
        blame = self.faults.get(fault)
        return blame.hint if blame is not None else None


_USUALLY: Final = "always"
_OUR_CHECKS: Final = "our own connectivity check fails as well"
_NO_WAY: Final = "this machine has no way out, or was suspended meanwhile"


def _meaning(
    text: str, fault: Fault, hint: Hint | None = None, **others: tuple[str, Hint | None] | str
) -> Meaning:
    """Build a row; `others` are the faults that need a reason, by name."""
    faults = {fault: Blame("nothing more is known" if others else _USUALLY, hint)}
    for name, reason in others.items():
        when, other_hint = reason if isinstance(reason, tuple) else (reason, None)
        faults[Fault(name)] = Blame(when, other_hint)
    return Meaning(text, MappingProxyType(faults))


VERDICTS: Final[Mapping[Verdict, Meaning]] = MappingProxyType(
    {
        Verdict.OK: _meaning("a complete answer, as expected", Fault.NONE),
        Verdict.CONTENT_MISMATCH: _meaning(
            "a complete answer that does not meet the expectation",
            Fault.PROVIDER,
            request="it was cut by our own max_output_tokens, or lists models only in part",
        ),
        Verdict.TRUNCATED: _meaning(
            "the answer ends before its own end",
            Fault.PROVIDER,
            monitor="this machine was suspended meanwhile",
        ),
        Verdict.EMPTY: _meaning(
            "an answer without content",
            Fault.PROVIDER,
            request=("max_output_tokens were used up before any text", Hint.TOO_FEW_TOKENS),
        ),
        Verdict.STREAM_ERROR: _meaning("an error inside a stream that had begun", Fault.PROVIDER),
        Verdict.PROTOCOL_ERROR: _meaning("not what the API promises", Fault.PROVIDER),
        Verdict.REFUSED: _meaning(
            "a content filter, or the model, refused", Fault.REQUEST, Hint.PROMPT
        ),
        Verdict.TIMEOUT: _meaning(
            "a deadline of ours passed: the whole one, that of the first token, or between tokens",
            Fault.PROVIDER,
            network=f"no byte came and {_OUR_CHECKS}, or our proxy did not open the way",
            monitor=_NO_WAY,
        ),
        Verdict.THROTTLED: _meaning(
            "refused for load (429)",
            Fault.PROVIDER,
            Hint.THROTTLED_BELOW_LIMIT,
            account=("its own headers say that a limit of ours is used up", Hint.LIMIT_REACHED),
        ),
        Verdict.OVERLOADED: _meaning("no capacity (503, 529)", Fault.PROVIDER),
        Verdict.SERVER_ERROR: _meaning("any other 5xx", Fault.PROVIDER),
        Verdict.AUTH: _meaning("the key was refused", Fault.ACCOUNT, Hint.KEY_REFUSED),
        Verdict.FORBIDDEN: _meaning(
            "a known key that may not do this", Fault.ACCOUNT, Hint.PERMISSION
        ),
        Verdict.QUOTA: _meaning("credits or a spend limit used up", Fault.ACCOUNT, Hint.NO_CREDIT),
        Verdict.INVALID_REQUEST: _meaning(
            "the request was refused for its parameters", Fault.REQUEST, Hint.PARAMETERS
        ),
        Verdict.MODEL_NOT_FOUND: _meaning(
            "an unknown or retired model", Fault.REQUEST, Hint.MODEL_UNKNOWN
        ),
        Verdict.DNS_ERROR: _meaning(
            "the name was not resolved",
            Fault.PROVIDER,
            Hint.NAME,
            network=_OUR_CHECKS,
            monitor=_NO_WAY,
        ),
        Verdict.CONNECT_ERROR: _meaning(
            "no connection",
            Fault.PROVIDER,
            Hint.CONNECT,
            network=(f"our proxy does not connect us, or {_OUR_CHECKS}", Hint.PROXY),
            monitor=(f"our proxy refuses us, or {_NO_WAY}", Hint.PROXY_KEY),
        ),
        Verdict.TLS_ERROR: _meaning(
            "TLS failed: certificate, handshake or record",
            Fault.PROVIDER,
            network=_OUR_CHECKS,
            monitor=(
                f"this machine trusts nobody, because its trust store is empty, or {_NO_WAY}",
                Hint.NO_ROOTS,
            ),
        ),
        Verdict.RESET: _meaning(
            "the connection broke before the answer was there",
            Fault.PROVIDER,
            network=(
                f"it was a kept connection that brought nothing of this answer, or {_OUR_CHECKS}",
                Hint.KEPT_TOO_LONG,
            ),
            monitor=_NO_WAY,
        ),
        Verdict.REDIRECTED: _meaning(
            "sent elsewhere (3xx): never followed, so that no key goes astray",
            Fault.PROVIDER,
            Hint.REDIRECT,
        ),
        Verdict.OVERSIZED: _meaning("a cap on bytes was reached", Fault.PROVIDER),
        Verdict.MONITOR_ERROR: _meaning("our own fault, and nobody else's", Fault.MONITOR),
    }
)
"""Every verdict, in the order in which they are told."""


class WireFailure(StrEnum):
    """How an exchange can fail without a usable answer."""

    DNS = "dns"
    CONNECT = "connect"
    PROXY = "proxy"
    """Our proxy did not connect us."""
    PROXY_AUTH = "proxy_auth"
    """Our proxy wants other credentials than it got."""
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


FAILURES: Final[Mapping[WireFailure, tuple[Verdict, Fault]]] = MappingProxyType(
    {
        WireFailure.DNS: (Verdict.DNS_ERROR, Fault.PROVIDER),
        WireFailure.CONNECT: (Verdict.CONNECT_ERROR, Fault.PROVIDER),
        WireFailure.PROXY: (Verdict.CONNECT_ERROR, Fault.NETWORK),
        WireFailure.PROXY_AUTH: (Verdict.CONNECT_ERROR, Fault.MONITOR),
        WireFailure.TLS: (Verdict.TLS_ERROR, Fault.PROVIDER),
        WireFailure.TLS_NO_ROOTS: (Verdict.TLS_ERROR, Fault.MONITOR),
        WireFailure.RESET: (Verdict.RESET, Fault.PROVIDER),
        WireFailure.TRUNCATED: (Verdict.TRUNCATED, Fault.PROVIDER),
        WireFailure.TIMEOUT: (Verdict.TIMEOUT, Fault.PROVIDER),
        WireFailure.OVERSIZED: (Verdict.OVERSIZED, Fault.PROVIDER),
        WireFailure.PROTOCOL: (Verdict.PROTOCOL_ERROR, Fault.PROVIDER),
        WireFailure.STALE: (Verdict.RESET, Fault.NETWORK),
        WireFailure.MONITOR: (Verdict.MONITOR_ERROR, Fault.MONITOR),
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
BY_WORD: Final[Mapping[str, Verdict]] = MappingProxyType(
    {word: verdict for verdict, words in _WORDS.items() for word in words.split()}
)
"""Codes and types that mean one thing, spelt so (Scaleway's "INSUFFICIENT QUOTA" is load)."""

GENERIC: Final[Mapping[str, Verdict]] = MappingProxyType(
    {
        "invalid_request_error": Verdict.INVALID_REQUEST,
        "BadRequestError": Verdict.INVALID_REQUEST,
        "INVALID_ARGUMENT": Verdict.INVALID_REQUEST,
        "NotFoundError": Verdict.MODEL_NOT_FOUND,
    }
)
"""Types that only help when there is no status: they also come with statuses that say more."""

BY_STATUS: Final[Mapping[int, Verdict]] = MappingProxyType(
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
"""Statuses of their own meaning; of the others 5xx are server errors, 4xx invalid requests."""
