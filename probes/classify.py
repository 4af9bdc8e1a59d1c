"""Which verdict an error means, and whose fault it is: the one place that decides.

It goes by the tables of `probes.verdicts`. An error is read from the top: by its code, then its
type, then (for statuses that say too little) its message, then the HTTP status. Types that say
nothing of their own (`invalid_request_error`, which OpenAI also sends with a 401, or `api_error`,
which Ollama sends with a 404) come after the status.

The distinction that matters most is *account* against *provider*: a spent budget or a wrong key
must never look like an outage, nor an outage like a wrong key. So the messages, which anybody may
word anew, are only looked at where the status already says that the provider is answering us.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import urlsplit

from probes.errorbody import ErrorFacts, error_facts
from probes.hints import Hint, hint_of_error, hint_of_key
from probes.jsontext import JsonError, parse_json
from probes.providers import PRESETS
from probes.ratelimit import COMPATIBLE_DIALECT, rate_limits
from probes.result import Fault, Verdict
from probes.sanitise import redact, sanitise, start_of
from probes.verdicts import BY_STATUS, BY_WORD, FAILURES, GENERIC, VERDICTS, WireFailure


@dataclass(frozen=True, slots=True)
class Classified:
    """A verdict, whose fault it is, and a sanitised line for people."""

    verdict: Verdict
    fault: Fault
    detail: str = ""
    hint: Hint | None = None
    """What a person can do; None: nothing more precise than what its verdict says in general."""


_BAD_KEY: Final = re.compile(
    r"(?:incorrect|invalid|wrong|missing) api[ _-]?key"
    r"|api[ _-]?key (?:is )?(?:not valid|invalid|expired|not found)",
    re.IGNORECASE,
)
"""xAI answers a wrong key with 400 and "Incorrect API key provided", Google with "not valid",
"expired" or "not found"."""
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
    r"(?:unknown|invalid|no such|not a valid) model"
    r"|no endpoints found for |\bmodels/\S{1,128} is not found"
    r"|\bmodel\b.{0,80}?(?:not found|not exist|decommissioned|deprecated|retired)",
    re.IGNORECASE,
)
"""OpenRouter: 400 "… is not a valid model ID", 404 "No endpoints found for …"; Gemini: 404
"models/… is not found for API version …"."""
_ABOUT_MODEL: Final = re.compile(r"\bmodel\b|\bdeployment\b", re.IGNORECASE)

_MESSAGE_STATUSES: Final = frozenset({None, 400, 401, 402, 403, 404, 429})
"""Where messages are looked at; None is an error inside an answer that began with 200."""
_MESSAGE_CHARS: Final = 2000
"""Characters of a message that are searched: honest ones have a few hundred, an endless one must
not hold up the event loop."""


def classified(
    verdict: Verdict, detail: str, *, fault: Fault | None = None, hint: Hint | None = None
) -> Classified:
    """Build a Classified with the verdict's usual fault, unless another one is known."""
    return Classified(verdict, VERDICTS[verdict].fault if fault is None else fault, detail, hint)


def classify_failure(
    kind: WireFailure,
    detail: str = "",
    *,
    hint: Hint | None = None,
    secrets: Iterable[str] = (),
) -> Classified:
    """Say what a failure of the transport means."""
    verdict, fault = FAILURES[kind]
    return Classified(verdict, fault, sanitise(detail, secrets), hint)


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
    kind = headers.get("content-type", "")
    if 200 <= status <= 299:
        return _classify(facts, None, Verdict.PROTOCOL_ERROR, f"HTTP {status}", secrets, kind)
    if not 400 <= status <= 599:
        return classified(Verdict.PROTOCOL_ERROR, f"HTTP {status}, which is no final status")
    found = _classify(
        facts,
        status,
        Verdict.INVALID_REQUEST,
        f"HTTP {status}",
        secrets,
        kind,
        _in_its_own_words(facts, status, preset),
    )
    if found.verdict is Verdict.THROTTLED and _exhausted(headers, preset):
        return replace(found, fault=Fault.ACCOUNT)
    return found


def classify_error_object(
    answer: object, *, otherwise: Verdict, where: str, secrets: Iterable[str] = ()
) -> Classified:
    """Classify an error found inside an answer that began with status 200.

    A numeric code counts as the status it stands for. An error that says nothing we know is
    `otherwise` (a stream error, or a protocol error in a plain answer).
    """
    return _classify(error_facts(answer), None, otherwise, where, secrets)


def hint_of(found: Classified, preset: str, key: str) -> str:
    """Say what a person can do about a result, in one line of ours; "": there is nothing to say.

    `key` is what was refused, if the verdict is `auth`; no part of it is in the line.
    """
    if found.verdict is Verdict.OK:
        return ""
    if found.verdict is Verdict.AUTH and key and found.hint is None:
        known = PRESETS.get(preset)
        amiss = hint_of_key(key) or (known.key_complaint(key) if known is not None else None)
        if amiss is not None:
            return str(amiss)
    return str(found.hint or VERDICTS[found.verdict].hint(found.fault) or "")


def _classify(
    facts: ErrorFacts,
    status: int | None,
    otherwise: Verdict,
    where: str,
    secrets: Iterable[str],
    content_type: str = "",
    own: Verdict | None = None,
) -> Classified:
    status = facts.status if status is None else status
    verdict = own or _by_words(facts) or _by_message(facts, status) or _by_status(facts, status)
    verdict = verdict or otherwise
    if verdict is Verdict.QUOTA and _PER_PERIOD.search(facts.message[:_MESSAGE_CHARS]):
        verdict = Verdict.THROTTLED
    label = facts.code or facts.kind
    detail = ": ".join(part for part in (f"{where} {label}".strip(), facts.message) if part)
    hint = hint_of_error(verdict, facts, status, content_type)
    return classified(verdict, sanitise(detail, secrets), hint=hint)


def _in_its_own_words(facts: ErrorFacts, status: int, preset: str) -> Verdict | None:
    """Find what this provider means by a status or a word that others use otherwise, or not."""
    known = PRESETS.get(preset)
    if known is None:
        return None
    words = (status, facts.code, facts.kind)
    return next((known.errors[word] for word in words if word in known.errors), None)


def _by_words(facts: ErrorFacts) -> Verdict | None:
    return BY_WORD.get(facts.code) or BY_WORD.get(facts.kind)


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
        return GENERIC.get(facts.kind)
    if status == 404:
        about_model = _ABOUT_MODEL.search(f"{facts.code} {facts.message[:_MESSAGE_CHARS]}")
        return Verdict.MODEL_NOT_FOUND if about_model else Verdict.INVALID_REQUEST
    if status in BY_STATUS:
        return BY_STATUS[status]
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
        return ErrorFacts(message=start_of(body))
    return facts


def _redirect(status: int, location: str) -> str:
    """Describe a redirect by its host alone: the rest of the address may carry a credential."""
    try:
        host = urlsplit(location).hostname
    except ValueError:
        host = None
    return f"HTTP {status} to {host or 'another path'}, which probes do not follow"
