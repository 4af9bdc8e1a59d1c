"""What part of a provider fails."""

from collections.abc import Mapping
from dataclasses import replace

import pytest

from alerting.metric import Fact
from monitor.breadth import Breadth, models_of
from tests.unit.alerting.windows import CHAT

TARGETS = tuple(
    replace(CHAT, name=f"{provider}-{number}-{kind}", provider=provider, model=f"m{number}")
    for provider, models in (("big", 5), ("three", 3), ("two", 2))
    for number in range(models)
    for kind in ("chat", "stream")
)


def share(failing: Mapping[str, frozenset[str]]) -> dict[str, float]:
    """Return what is said of each provider."""
    readings = Breadth(TARGETS, lambda: failing).facts(0.0)
    found = {}
    for fact, provider, value in readings:
        assert fact is Fact.PROVIDER_FAILING
        assert isinstance(value, float)
        found[provider] = value
    return found


def models(*numbers: int) -> frozenset[str]:
    """Return the names of models."""
    return frozenset(f"m{number}" for number in numbers)


def test_models_are_counted_once() -> None:
    """However many targets ask one; a key with fewer than three is not spoken of."""
    assert {name: len(found) for name, found in models_of(TARGETS).items()} == {
        "big": 5,
        "three": 3,
    }


@pytest.mark.parametrize(
    ("failing", "big"),
    [((), 0.0), ((0, 1), 0.0), ((0, 1, 2), 0.6), ((0, 1, 2, 3, 4), 1.0), ((0, 1, 9), 0.0)],
)
def test_fewer_than_three_are_troubles_of_their_own(failing: tuple[int, ...], big: float) -> None:
    """Of three models all three; what is no model of the key does not count."""
    assert share({"big": models(*failing)}) == {"big": big, "three": 0.0, "two": 0.0}
    assert share({"three": models(0, 1, 2)})["three"] == 1.0


def test_of_a_key_with_fewer_than_three_models_none_are_most() -> None:
    """Unknown would keep an alert for ever that fired while the key had more of them."""
    assert share({"two": models(0, 1)})["two"] == 0.0


def test_until_somebody_has_looked_nothing_is_known() -> None:
    """Unknown is not none."""
    assert list(Breadth(TARGETS, lambda: None).facts(0.0)) == []
