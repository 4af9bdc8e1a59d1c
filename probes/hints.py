"""What a person can do about a failure: a closed set of sentences, all of them ours.

A hint never repeats anything a server said, or a part of a key: servers' words only select one.
Which hint a failure has in general stands in the table of verdicts; the functions here find the
more precise ones.
"""

import re
from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from probes.errorbody import ErrorFacts
from probes.result import Verdict


class Hint(StrEnum):
    """One sentence for people, as it is shown."""

    KEY_REFUSED = (
        "the key was refused: revoked, mistyped, or of another project; a new one in the key's"
        " file is taken up at once"
    )
    KEY_UNUSABLE = "no request was sent: mend the file or variable that the key comes from"
    KEY_SPACE = "the key has white space inside: it was probably copied with more than itself"
    KEY_QUOTED = "the key has quotation marks around it: they are no part of it"
    KEY_BEARER = 'the key begins with "Bearer": give the key alone, that word is added'
    IP_LIST = "the key's list of allowed addresses does not have this machine's"
    ORGANIZATION = "the key does not belong to the organization or project that was named"
    REGION = "the provider does not serve the country or region this machine is in"
    PERMISSION = "the key is known but may not do this: look at its permissions and its project"
    GATEWAY = "a web page came, not the API's error: a firewall before it refuses this machine"
    SPEND_LIMIT = "this 429 is your account's spend limit, not load: raise the limit or top it up"
    NO_CREDIT = "the account has no credit left: top it up or raise its limit"
    LIMIT_REACHED = (
        "your own rate limit is used up: probe less often, or share the key with fewer others"
    )
    THROTTLED_BELOW_LIMIT = (
        "429 although no limit is said to be used up: the provider sheds load, or counts otherwise"
        " than it says"
    )
    MODEL_RETIRED = "model retired: name its successor in the target"
    MODEL_UNKNOWN = (
        "model_not_found: retired, misspelt, or not open to this key; an operation `models` target"
        " tells which"
    )
    DEPLOYMENT = "deployment not found: on Azure the model is the name of a deployment of yours"
    PATH = "404 for the address, not for the model: is base_url right? Most end in /v1"
    HTML = (
        "a web page came with status 200: base_url is not that of an API, or a login is before it"
    )
    REDIRECT = "set base_url to the address that really answers: probes follow no redirects"
    INCLUDE_USAGE = (
        "stream_options.include_usage is refused there: later streams are asked for without it, and"
        " their tokens are unknown"
    )
    TOKEN_PARAMETER = "this model wants max_completion_tokens: choose a preset that sends it"  # noqa: S105
    TOKEN_FLOOR = "max_output_tokens is below what this model takes: 16 is a common least"  # noqa: S105
    TOO_FEW_TOKENS = (
        "max_output_tokens are too few: a reasoning model spends them before its first word"
    )
    CONTEXT = "prompt and max_output_tokens together are longer than the model's context"
    TEMPERATURE = "this model takes its default temperature only: leave it out"
    EFFORT = "this model does not know that reasoning_effort: leave it out or choose another"
    PARAMETERS = "our request does not suit this model: the detail names what it refused"
    PROMPT = "the prompt was refused, not the service: choose a plainer one"
    NAME = "is base_url spelt right, and can this machine resolve other names?"
    RESOLVER = "this machine's name servers do not answer"
    CONNECT = "nobody accepts connections at base_url's host and port: is it right, does it run?"
    UNANSWERED = "the host does not answer connection attempts: a firewall, or a wrong port?"
    FIREWALL = "a firewall on this machine forbids the connection"
    PROXY = "the configured proxy does not connect: is it up, and may it reach the provider?"
    PROXY_KEY = "the proxy refuses us: are its user name and password right?"
    NO_TLS = "no TLS is spoken there: http:// instead of https://, another port, or a proxy between"
    NO_ROOTS = (
        "this machine trusts nobody: install its package of CA certificates (ca-certificates)"
    )
    PRIVATE_CA = "the certificate is signed by a CA this machine does not know: name it in ca_file"
    EXPIRED = "the server's certificate has expired"
    NOT_YET_VALID = "the certificate begins in the future: is this machine's clock right?"
    OTHER_HOST = "the certificate is for another name: is base_url's host the right one?"
    CLIENT_CERTIFICATE = "the server wants a certificate of ours: set client_cert_file"
    KEPT_TOO_LONG = (
        "the server closes idle connections sooner than we do: `connection: fresh` avoids it"
    )
    DESCRIPTORS = "this machine ran out of descriptors, memory or ports: raise its limits"
    BUSY = "our own process was too busy: give it more CPU, or probe less"
    PLACES = "raise the provider's max_concurrency, or the interval of its targets"
    BUG = "a bug in Sonde: the log event probe.broke has the traceback"


_HTML: Final = "text/html"

_BY_WORD: Final[Mapping[str, Hint]] = MappingProxyType(
    {
        "context_length_exceeded": Hint.CONTEXT,
        "model_decommissioned": Hint.MODEL_RETIRED,
        "model_deprecated": Hint.MODEL_RETIRED,
        "DeploymentNotFound": Hint.DEPLOYMENT,
        "unsupported_country_region_territory": Hint.REGION,
        "ip_not_authorized": Hint.IP_LIST,
        "invalid_organization": Hint.ORGANIZATION,
        "mismatched_organization": Hint.ORGANIZATION,
        "mismatched_project": Hint.ORGANIZATION,
    }
)
_CAP: Final = r"\bmax_(?:completion_|output_)?tokens\b"
_FLOOR: Final = r"(?:minimum|at least|below|>=)"
_USAGE: Final = r"stream_options(?!['\"]\s*:\s*\{)|include_usage(?!['\"]\s*:\s*true)"
"""But not our own request, which pydantic repeats in a complaint about something else: the key's
streams would go without usage for nothing. https://docs.pydantic.dev/latest/errors/errors/"""
_BY_MESSAGE: Final[Mapping[Verdict, tuple[tuple[re.Pattern[str], Hint], ...]]] = MappingProxyType(
    {
        verdict: tuple((re.compile(pattern, re.IGNORECASE), hint) for pattern, hint in rows)
        for verdict, rows in {
            Verdict.INVALID_REQUEST: (
                (_USAGE, Hint.INCLUDE_USAGE),
                (r"context (?:length|window)", Hint.CONTEXT),
                (r"max_tokens\b.{0,200}\bmax_completion_tokens", Hint.TOKEN_PARAMETER),
                (rf"{_CAP}.{{0,200}}{_FLOOR}|{_FLOOR}.{{0,200}}{_CAP}", Hint.TOKEN_FLOOR),
                (r"\btemperature\b", Hint.TEMPERATURE),
                (r"\breasoning[._]effort\b", Hint.EFFORT),
            ),
            Verdict.MODEL_NOT_FOUND: (
                (r"decommissioned|deprecated|retired|no longer", Hint.MODEL_RETIRED),
                (r"\bdeployment\b", Hint.DEPLOYMENT),
            ),
            Verdict.FORBIDDEN: ((r"\bcountry|\bregion\b|\buser location\b|territor", Hint.REGION),),
        }.items()
    }
)
_MESSAGE_CHARS: Final = 2000
"""Characters of a message that are searched, as for its verdict."""


def hint_of_error(
    verdict: Verdict, facts: ErrorFacts, status: int | None, content_type: str = ""
) -> Hint | None:
    """Find what an error that a server reported asks of a person; None: nothing special."""
    message = facts.message[:_MESSAGE_CHARS]
    for pattern, hint in _BY_MESSAGE.get(verdict, ()):
        if pattern.search(message):
            return hint
    if verdict is Verdict.QUOTA and status == 429:
        return Hint.SPEND_LIMIT
    if verdict is Verdict.FORBIDDEN and status == 451:
        return Hint.REGION
    if verdict is Verdict.INVALID_REQUEST and status in (404, 405):
        return Hint.PATH
    if content_type.lower().startswith(_HTML):
        return {Verdict.PROTOCOL_ERROR: Hint.HTML, Verdict.FORBIDDEN: Hint.GATEWAY}.get(verdict)
    return _BY_WORD.get(facts.code) or _BY_WORD.get(facts.kind)


def hint_of_key(key: str) -> Hint | None:
    """Say what is wrong with the shape of a key that was refused; None: nothing is."""
    if key[:1] in ('"', "'", "`"):
        return Hint.KEY_QUOTED
    if key.lower().startswith("bearer"):
        return Hint.KEY_BEARER
    return Hint.KEY_SPACE if any(char.isspace() for char in key) else None
