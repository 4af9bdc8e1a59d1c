"""When a model ends: by header, by table."""

from datetime import UTC, datetime
from urllib.parse import urlsplit

import pytest

from probes.providers import PRESETS
from probes.retirement import (
    AS_OF,
    RETIREMENTS,
    days_until,
    deprecated_at,
    retires_at,
    sunset_at,
)


def _wall(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("@1688169599", 1688169599.0),
        (" @0 ", 0.0),
        ("@-1", -1.0),
        ("Sun, 11 Nov 2018 23:59:59 GMT", _wall("2018-11-11T23:59:59")),
        ("true", None),
        ("@", None),
        ("@1e9", None),
        ("@1688169599.5", None),
        ("@" + "9" * 40, None),
        ("1688169599", None),
        ("", None),
    ],
)
def test_deprecation(text: str, at: float | None) -> None:
    """RFC 9745's own example, the drafts before it, and what says no time."""
    assert deprecated_at({"deprecation": text}) == at


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("Sat, 31 Dec 2018 23:59:59 GMT", _wall("2018-12-31T23:59:59")),
        ("2018-12-31", None),
        ("@1688169599", None),
        ("", None),
    ],
)
def test_sunset(text: str, at: float | None) -> None:
    """RFC 8594's own example; it knows HTTP dates alone."""
    assert sunset_at({"sunset": text}) == at


def test_headers_that_are_absent() -> None:
    """Say nothing."""
    assert (deprecated_at({}), sunset_at({})) == (None, None)


def test_the_table() -> None:
    """Every entry has a preset that exists and a page that says so."""
    assert {preset for preset, _ in RETIREMENTS} <= set(PRESETS)
    for found in RETIREMENTS.values():
        assert urlsplit(found.source).scheme == "https"
        assert 2024 < found.on.year < 2030
    assert AS_OF.year >= 2026


def test_a_model_that_ends() -> None:
    """Found by preset and name, at the beginning of its day; another provider's is another one."""
    found = retires_at("xai", "grok-code-fast-1")
    assert found is not None
    assert found.at == _wall("2026-05-15")
    assert retires_at("openai", "grok-code-fast-1") is None
    assert retires_at("openai", "no-such-model") is None


def test_days() -> None:
    """Fractions count, and the past is negative."""
    assert days_until(2 * 86_400.0, 86_400.0) == 1.0
    assert days_until(0.0, 43_200.0) == -0.5
