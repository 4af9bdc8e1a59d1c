"""The kinds of values a configuration key can have, each with a message that helps.

Every refusal is a ValueError that says what is expected and never repeats the value: whether the
value may be shown is decided where the message is put together (it may be a secret).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Annotated, Any, Final
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

from monitor.config.durations import (
    DURATION_PATTERN,
    format_duration,
    format_size,
    parse_duration,
    parse_size,
)
from monitor.config.scalars import Interpolated, resolve

_DURATION_EXPECTED: Final = "expected a duration such as 500ms, 30s, 5m or 1h30m"
URL_LIMIT: Final = 2048
"""Characters: longer than any URL a provider or a chat service hands out."""


def listed(words: Sequence[str]) -> str:
    """Join words as a sentence does: `a, b or c`."""
    return f"{', '.join(words[:-1])} or {words[-1]}"


def did_you_mean(word: str, known: Sequence[str]) -> str:
    """Return ` (did you mean …?)` for a near miss, else nothing."""
    near = get_close_matches(word, known, n=1, cutoff=0.6)
    return f" (did you mean {near[0]}?)" if near else ""


# BeforeValidators get whatever stands in the file, hence `object`.


def resolved(value: object) -> object:
    """Give a variable's value the type that the same text would have as plain YAML."""
    return resolve(value) if isinstance(value, Interpolated) else value


@dataclass(frozen=True, slots=True)
class Between:
    """A duration within bounds, in seconds."""

    least_s: float
    most_s: float

    def __call__(self, value: object) -> float:
        """Return the seconds. Raises ValueError."""
        if isinstance(value, int | float) and not isinstance(value, bool) and value != 0:
            raise ValueError(f"expected a duration with its unit, such as {value:g}s")
        if isinstance(value, bool) or not isinstance(value, int | float | str):
            raise ValueError(_DURATION_EXPECTED)  # noqa: TRY004 - pydantic takes no TypeError
        seconds = parse_duration(value) if isinstance(value, str) else 0.0
        if not self.least_s <= seconds <= self.most_s:
            least, most = format_duration(self.least_s), format_duration(self.most_s)
            raise ValueError(f"expected a duration from {least} to {most}")
        return seconds


@dataclass(frozen=True, slots=True)
class AtLeast:
    """A size with a lower bound, in bytes."""

    least_bytes: int

    def __call__(self, value: object) -> int:
        """Return the bytes. Raises ValueError."""
        # parse_size says what is expected, of a bare number too.
        size = parse_size(str(value))
        if size < self.least_bytes:
            raise ValueError(f"expected a size of at least {format_size(self.least_bytes)}")
        return size


@dataclass(frozen=True, slots=True)
class Choice:
    """One word of a closed set."""

    words: tuple[str, ...]

    def __call__(self, value: object) -> str:
        """Return the word. Raises ValueError."""
        if value not in self.words:
            hint = did_you_mean(str(value), self.words)
            raise ValueError(f"expected {listed(self.words)}{hint}")
        return str(value)


_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_TARGET_NAME: Final = re.compile(r"[A-Za-z0-9{][A-Za-z0-9._:/@{}-]{0,127}")
_MAIL_ADDRESS: Final = re.compile(
    r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]+@[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?"
)
"""Names of ASCII letters: what every mail server takes, and nothing that could end a header."""
_LABEL: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}")
RESERVED_LABELS: Final = (
    "alertname",
    "fault",
    "location",
    "model",
    "operation",
    "preset",
    "provider",
    "severity",
    "target",
    "verdict",
)
"""Names that metrics and alerts use themselves."""


def _name(value: str) -> str:
    if not _NAME.fullmatch(value):
        raise ValueError("expected a name of up to 64 letters, digits, dots, dashes or underscores")
    return value


def _target_name(value: str) -> str:
    if not _TARGET_NAME.fullmatch(value):
        raise ValueError("expected a name of up to 128 letters, digits or . _ : / @ - and {model}")
    return value


def _line(value: str) -> str:
    if not value.strip() or len(value) > 200 or not value.isprintable():
        raise ValueError("expected one line of text, at most 200 characters")
    return value


def _mail_address(value: str) -> str:
    if len(value) > 200 or not _MAIL_ADDRESS.fullmatch(value):
        raise ValueError("expected an e-mail address alone, such as sre@example.com")
    return value


def _labels(labels: dict[str, str]) -> dict[str, str]:
    for key, value in labels.items():
        if not _LABEL.fullmatch(key):
            raise ValueError(f"expected label names of letters, digits and underscores; see {key}")
        if key in RESERVED_LABELS:
            raise ValueError(f"the label {key} is set by Sonde itself; choose another name")
        _line(value)
    return labels


def _path(value: str) -> str:
    if not value.strip() or "\0" in value:
        raise ValueError("expected a path")
    if value.startswith("~"):
        raise ValueError("expected a path without ~, such as /var/lib/sonde/sonde.db")
    return value


def _path_or_mapping(value: object) -> object:
    """Take a mapping as it is, and a text as a path."""
    if not isinstance(value, str | dict):
        raise ValueError("expected a mapping, or the path of a file")  # noqa: TRY004 - as above
    return _path(value) if isinstance(value, str) else value


def check_url(value: str) -> str:
    """Return `value` when it is an http(s) URL with a host and no password. Raises ValueError."""
    try:
        parts = urlsplit(value)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
        parts = urlsplit("")
    if not usable or len(value) > URL_LIMIT or not value.isprintable() or " " in value:
        raise ValueError("expected a URL such as https://example.com/path")
    if parts.username is not None or parts.password is not None:
        raise ValueError("expected a URL without a user name or password in it")
    return value


def _base_url(value: str) -> str:
    check_url(value)
    if urlsplit(value).query or urlsplit(value).fragment:
        raise ValueError("expected a base URL without ? and #, such as https://example.com/v1")
    return value.rstrip("/")


def split_listen(value: str) -> tuple[str, int]:
    """Return host and port of `127.0.0.1:8000` or `[::1]:8000`. Raises ValueError."""
    host, colon, port = value.rpartition(":")
    bracketed = host.startswith("[") and host.endswith("]")
    bare = host[1:-1] if bracketed else host
    good_host = bool(bare) and bare.isprintable() and " " not in bare
    good_port = port.isascii() and port.isdigit() and len(port) <= 5 and int(port) <= 65535
    if not colon or not good_host or not good_port or (":" in bare and not bracketed):
        raise ValueError("expected HOST:PORT, such as 127.0.0.1:8000, 0.0.0.0:8000 or [::1]:8000")
    return bare, int(port)


def _listen(value: str) -> str:
    split_listen(value)
    return value


def _cosine(value: object) -> float:
    """Return the least cosine of `>= 0.999` or a bare number. Raises ValueError."""
    number = resolve(str(value).removeprefix(">=").strip())
    if isinstance(number, bool) or not isinstance(number, int | float) or not 0.0 < number <= 1.0:
        raise ValueError('expected a bound above 0 and up to 1, such as ">= 0.999"')
    return float(number)


def _check_word(value: object) -> str:
    """Take `auto`, or true and false as YAML or a variable say them."""
    plain = resolved(value)
    word = str(plain).lower() if isinstance(plain, bool) else plain
    return Choice(("auto", "true", "false"))(word)


def _status_page(value: object) -> str:
    """Take a URL, or false for none, which becomes an empty text."""
    plain = resolved(value)
    if plain is False:
        return ""
    if not isinstance(plain, str):
        raise ValueError("expected the URL of a status page, or false")  # noqa: TRY004 - as above
    return check_url(plain)


def _patterns(value: object) -> object:
    """Make a list of a single pattern."""
    return [value] if isinstance(value, str) else value


_VARIABLE_SCHEMA: Final = {"type": "string", "pattern": r"\$\{"}
"""Any value may come from a variable, and is a text in the file then."""
_DURATION_SCHEMA: Final = WithJsonSchema(
    {
        "type": "string",
        "pattern": rf"{DURATION_PATTERN}|\$\{{",
        "examples": ["30s", "5m", "1h30m"],
    }
)


def _or_variable(kind: str, **bounds: int) -> WithJsonSchema:
    return WithJsonSchema({"anyOf": [{"type": kind, **bounds}, _VARIABLE_SCHEMA]})


Interval = Annotated[float, BeforeValidator(Between(0.1, 86400.0)), _DURATION_SCHEMA]
PollInterval = Annotated[float, BeforeValidator(Between(60.0, 86400.0)), _DURATION_SCHEMA]
"""Of what belongs to others: a minute at least."""
Evaluation = Annotated[float, BeforeValidator(Between(0.1, 60.0)), _DURATION_SCHEMA]
Beat = Annotated[float, BeforeValidator(Between(1.0, 600.0)), _DURATION_SCHEMA]
Deadline = Annotated[float, BeforeValidator(Between(0.01, 3600.0)), _DURATION_SCHEMA]
Hold = Annotated[float, BeforeValidator(Between(0.0, 7 * 86400.0)), _DURATION_SCHEMA]
Window = Annotated[float, BeforeValidator(Between(1.0, 86400.0)), _DURATION_SCHEMA]
"""Windows live in memory; a day at one probe a second is 86,400 samples a target."""
Retention = Annotated[float, BeforeValidator(Between(3600.0, 3650 * 86400.0)), _DURATION_SCHEMA]
"""An hour at least: windows are refilled from the store after a restart."""
Period = Annotated[float, BeforeValidator(Between(3 * 86400.0, 90 * 86400.0)), _DURATION_SCHEMA]
"""Of an objective: the longest window of its rules at least, and as long as minutes are kept."""
Size = Annotated[
    int,
    BeforeValidator(AtLeast(1024 * 1024)),
    WithJsonSchema({"type": "string", "examples": ["500 MB", "2 GiB"]}),
]
Flag = Annotated[bool, BeforeValidator(resolved), _or_variable("boolean")]
Count = Annotated[
    int,
    BeforeValidator(resolved),
    Field(ge=0, le=1_000_000),
    _or_variable("integer", minimum=0, maximum=1_000_000),
]
Positive = Annotated[
    int,
    BeforeValidator(resolved),
    Field(ge=1, le=1_000_000),
    _or_variable("integer", minimum=1, maximum=1_000_000),
]
Usd = Annotated[
    float,
    BeforeValidator(resolved),
    Field(ge=0, le=1_000_000, allow_inf_nan=False),
    _or_variable("number", minimum=0, maximum=1_000_000),
]
Temperature = Annotated[
    float,
    BeforeValidator(resolved),
    Field(ge=0, le=2, allow_inf_nan=False),
    _or_variable("number", minimum=0, maximum=2),
]
"""https://platform.openai.com/docs/api-reference/chat/create#chat_create-temperature"""
CosineBound = Annotated[
    float,
    BeforeValidator(_cosine),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "number"}], "examples": [">= 0.999"]}),
]
Name = Annotated[str, AfterValidator(_name)]
TargetName = Annotated[str, AfterValidator(_target_name)]
Line = Annotated[str, AfterValidator(_line)]
MailAddress = Annotated[str, AfterValidator(_mail_address)]
PathText = Annotated[str, AfterValidator(_path)]
# Any: what is in the mapping is checked elsewhere.
PathOrMapping = Annotated[str | dict[str, Any], BeforeValidator(_path_or_mapping)]
Prompt = Annotated[str, Field(min_length=1, max_length=20_000)]
Labels = Annotated[dict[str, str], Field(max_length=16), AfterValidator(_labels)]
Url = Annotated[str, AfterValidator(check_url)]
BaseUrl = Annotated[str, AfterValidator(_base_url)]
CheckWord = Annotated[
    str,
    BeforeValidator(_check_word),
    WithJsonSchema({"enum": ["auto", True, False]}),
]
StatusPageUrl = Annotated[
    str,
    BeforeValidator(_status_page),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"const": False}]}),
]
Listen = Annotated[str, AfterValidator(_listen)]
Patterns = Annotated[
    list[Line],
    BeforeValidator(_patterns),
    Field(min_length=1, max_length=64),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}),
]
