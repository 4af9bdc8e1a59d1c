"""Headers and texts from outside: never an exception, an infinity or a secret."""

import math
import string

from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from probes.ratelimit import (
    COMPATIBLE_DIALECT,
    OPENAI_DIALECT,
    go_duration_s,
    rate_limits,
    retry_after_s,
)
from probes.result import DETAIL_LIMIT
from probes.sanitise import redact, sanitise

_names = sorted(
    {
        name
        for bucket in COMPATIBLE_DIALECT + OPENAI_DIALECT
        for name in (bucket.limit, bucket.remaining, bucket.reset)
        if name is not None
    }
    | {"retry-after", "retry-after-ms"}
)
_values = (
    st.text(max_size=40)
    | st.from_regex(r"[-+]?[0-9]{0,25}(\.[0-9]{0,25})?(ms|s|m|h|us|ns|e9)?", fullmatch=True)
    | st.datetimes().map(lambda moment: moment.isoformat())
    | st.datetimes().map(lambda moment: moment.strftime("%a, %d %b %Y %H:%M:%S GMT"))
    | st.sampled_from(["inf", "nan", "-1", "1e999", "9" * 400, "Thu, 01 Jan 0000 00:00:00 -9999"])
)
_headers = st.dictionaries(st.sampled_from(_names), _values)
_now = st.floats(0, 4e9)


@settings(max_examples=200, deadline=None)
@given(headers=_headers, now=_now)
def test_any_headers_are_read(headers: dict[str, str], now: float) -> None:
    """Every figure is None, or finite and not negative; a bucket appears at most once."""
    for dialect in (OPENAI_DIALECT, COMPATIBLE_DIALECT):
        limits = rate_limits(headers, dialect, now_wall=now)
        assert len({limit.bucket for limit in limits}) == len(limits)
        for limit in limits:
            figures = (limit.limit, limit.remaining, limit.reset_s)
            assert any(figure is not None for figure in figures)
            assert all(
                figure is None or (figure >= 0 and math.isfinite(figure)) for figure in figures
            )
    wait_s = retry_after_s(headers, now)
    assert wait_s is None or (wait_s >= 0 and math.isfinite(wait_s))


@given(hours=st.integers(0, 99), minutes=st.integers(0, 59), ms=st.integers(0, 59_999))
def test_durations_as_go_writes_them_are_read_back(hours: int, minutes: int, ms: int) -> None:
    """What Go's Duration.String writes means the same here."""
    text = f"{hours}h{minutes}m{ms / 1000:g}s"
    found = go_duration_s(text)
    assert found is not None
    assert math.isclose(found, hours * 3600 + minutes * 60 + float(f"{ms / 1000:g}"))


@given(text=st.text(max_size=60))
def test_only_durations_are_durations(text: str) -> None:
    """A text with any character that no duration holds is refused."""
    assume(set(text) - set("0123456789.hmsunµμ"))
    assert go_duration_s(text) is None


_secrets = st.text(string.ascii_letters + string.digits + "-_/+ .", min_size=8, max_size=40).filter(
    lambda secret: secret == secret.strip()
)
_noise = (
    st.text(max_size=60) | st.text(" \n\t\u200b\u202e", max_size=5) | st.just("sk-" + "a" * 300)
)


@settings(max_examples=200, deadline=None)
@given(before=_noise, secret=_secrets, after=_noise, repeat=st.integers(1, 30))
def test_a_known_secret_never_survives(before: str, secret: str, after: str, repeat: int) -> None:
    """Wherever a secret stands, also across the cut, it is in no detail and in no log line."""
    text = before + (secret + after) * repeat
    assert secret not in redact(text, [secret])
    assert secret not in sanitise(text, [secret])


@settings(max_examples=200, deadline=None)
@example(text="Bearer " + "a1" * 200, secrets=[])
@example(text="https://u:p@hooks.slack.com/services/x", secrets=[])
@given(
    text=st.text(max_size=300)
    | st.lists(
        st.sampled_from(
            [
                *("Bearer ", "basic ", "sk-", "xai-", "abcdefgh1", "://", "@", "api_key", "=", ":"),
                *("hooks.slack.com/", "/", "***", "\n"),
            ]
        )
    ).map("".join),
    secrets=st.lists(_secrets, max_size=2),
)
def test_sanitising_is_final(text: str, secrets: list[str]) -> None:
    """A sanitised text is short and printable, and sanitising it again changes nothing."""
    once = sanitise(text, secrets)
    assert len(once) <= DETAIL_LIMIT
    assert once.isprintable()
    assert once == once.strip()
    assert sanitise(once, secrets) == once
