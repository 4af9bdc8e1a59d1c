"""Text from outside becomes one short printable line without secrets."""

import base64
from collections.abc import Callable

import pytest

from probes.result import DETAIL_LIMIT
from probes.sanitise import MASK, MIN_SECRET_CHARS, mask_values, redact, sanitise


def test_white_space_folds_into_single_spaces() -> None:
    """A newline in a provider's text cannot start a log line of its own."""
    assert sanitise(" one\r\n\ttwo\u2028three\u00a0 four\x0b") == "one two three four"


@pytest.mark.parametrize(
    "hidden",
    [
        pytest.param("\x1b", id="escape"),
        pytest.param("\x00", id="nul"),
        pytest.param("\u202e", id="bidi-override"),
        pytest.param("\u200b", id="zero-width"),
        pytest.param("\ufeff", id="byte-order-mark"),
        pytest.param("\ud800", id="lone-surrogate"),
        pytest.param("\ue000", id="private-use"),
    ],
)
def test_characters_that_do_not_print_are_removed(hidden: str) -> None:
    """Control, format and surrogate characters are taken out, their neighbours stay."""
    assert sanitise(f"a{hidden}b") == "ab"


def test_ordinary_unicode_stays() -> None:
    """Letters, marks and symbols of any script are not touched."""
    assert sanitise("Überlast: 過負荷 🚦") == "Überlast: 過負荷 🚦"


def test_long_text_is_cut_with_a_mark() -> None:
    """A detail has at most DETAIL_LIMIT characters, the last of which says that it was cut."""
    text = sanitise("x" * 1_000_000)
    assert len(text) == DETAIL_LIMIT
    assert text.endswith("x…")


def test_text_of_the_limit_is_not_cut() -> None:
    """Exactly DETAIL_LIMIT characters fit."""
    assert sanitise("x" * DETAIL_LIMIT) == "x" * DETAIL_LIMIT


def test_known_secrets_are_masked_however_they_are_spelt() -> None:
    """A secret is found by value, percent-encoded, and with a hidden character inside it."""
    secret = "pa55/w+rd!"
    for spelt in (secret, "pa55%2Fw%2Brd%21", "pa55/w\u200b+rd!"):
        assert sanitise(f"key {spelt} refused", [secret]) == "key *** refused"


@pytest.mark.parametrize("before", ["", "u", "us", "Bearer ", "somebody:"])
@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
def test_known_secrets_are_masked_in_base64(before: str, encode: Callable[[bytes], bytes]) -> None:
    """Alone or behind something else, in both alphabets: what is left says nothing."""
    secret = "pa55/w+rd!?>0123456789"
    text = encode(f"{before}{secret}".encode()).decode().rstrip("=")
    masked = sanitise(f"got {text}", [secret])
    assert "***" in masked
    assert len(masked) <= len("got ***") + len(before) * 4 // 3 + 2


def test_short_pieces_of_base64_are_left_alone() -> None:
    """A secret of a few letters has a base64 that could be a part of any word."""
    assert sanitise(base64.b64encode(b"four").decode()[:5], ["four"]) != MASK


def test_secret_with_two_spaces_is_masked_before_they_fold() -> None:
    """Folding white space does not disguise a secret that holds some."""
    assert sanitise("got two  spaces here", ["two  spaces"]) == "got *** here"


def test_a_secret_that_holds_another_is_masked_whole() -> None:
    """The longest secret goes first, so that no rest of it remains."""
    assert sanitise("abcdefgh", ["cdef", "abcdefgh"]) == "***"


def test_secret_across_the_cut_leaves_nothing_behind() -> None:
    """Masking happens before cutting: no beginning of a key survives at the end of a detail."""
    secret = "s3cr3t-v4lu3"
    text = sanitise("x" * (DETAIL_LIMIT - 6) + " " + secret, [secret])
    assert "s3" not in text


@pytest.mark.parametrize("header", ["Bearer t0ken-of-ours", "session=t0ken-of-ours; v=2"])
def test_a_part_of_a_secret_is_one_too(header: str) -> None:
    """A server echoes the token of a header alone; the name of a scheme is no secret."""
    assert sanitise("Bearer, bad session: t0ken-of-ours", [header]) == "Bearer, bad session: ***"


def test_very_short_known_values_are_left_alone() -> None:
    """A placeholder of a few letters is not cut out of every word."""
    assert sanitise("no answer", ["n" * (MIN_SECRET_CHARS - 1), "", "an"]) == "no answer"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Incorrect API key provided: sk-proj-****abcd.", "Incorrect API key provided: ***."),
        ("key xai-AbCdEf123456 refused", "key *** refused"),
        ("xoxb-123456-abcdef", "***"),
        ("xapp-1-A0123-456", "***"),
        ("whsec_MfKQ9r8GKYqrTwjU", "***"),
        ("Authorization: Bearer abc123def456", "Authorization: Bearer ***"),
        ("authorization: basic dXNlcjpwYXNz=", "authorization: basic ***"),
        ("https://hooks.slack.com/services/T0/B0/xyz now", "https://hooks.slack.com/*** now"),
        ('{"api_key": "abcd1234"}', '{"api_key": "***"}'),
        ("https://user:pass@example.org/v1", "https://***@example.org/v1"),
    ],
)
def test_key_shapes_are_masked(text: str, expected: str) -> None:
    """What looks like a credential is masked although nobody told its value."""
    assert sanitise(text) == expected


@pytest.mark.parametrize(
    "text",
    ["risk-assessment-of-task", "disk-usage-report", "a bearer token is needed", "basic training"],
)
def test_ordinary_words_are_not_taken_for_keys(text: str) -> None:
    """Words that merely contain `sk-`, or follow `bearer`, stay readable."""
    assert sanitise(text) == text


def test_redact_keeps_length_and_lines() -> None:
    """For logs only secrets go: newlines stay, and nothing is cut."""
    text = "line one sk-abcdefgh1234\n" + "x" * 1000
    assert redact(text, ["x" * 10]) == "line one ***\n" + "***" * 100


def test_known_values_alone_are_masked() -> None:
    """In text that was sanitised before: a known secret goes, everything else stays as it is."""
    secret = "0123456789abcdef0123456789abcdef"
    assert mask_values(f"model {secret} v2", [secret]) == "model *** v2"
    assert mask_values("", [secret]) == ""
    assert mask_values("sk-" + "a" * 30, [secret]) == "sk-" + "a" * 30
