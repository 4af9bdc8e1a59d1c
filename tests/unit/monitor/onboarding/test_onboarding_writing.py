"""A first configuration is one that `sonde check` takes, for every preset there is."""

from pathlib import Path

import pytest

from monitor.config.load import Loaded, load
from monitor.onboarding.price import price_of, usd, words
from monitor.onboarding.usual import USUAL, stand_in
from monitor.onboarding.wish import Watched, Wish, WishError
from monitor.onboarding.writing import configuration, names_of
from probes.providers import PRESETS
from probes.result import Operation

HOOK = "https://hooks.slack.com/services/T/B/x"


def wish_for(preset: str, **said: object) -> Wish:
    usual = USUAL[preset]
    watched = Watched(
        preset=preset,
        variable=usual.variables[0],
        models=(usual.model,),
        embeddings=(usual.embedding,) if usual.embedding else (),
        base_url=None if PRESETS[preset].base_url else "https://house.example/v1",
    )
    return Wish(watched=(watched,), **said)  # type: ignore[arg-type] # as each test says them


def checked(wish: Wish, folder: Path) -> Loaded:
    """Read it as `sonde check` does."""
    (folder / "sonde.yaml").write_text(configuration(wish))
    environ = {each.variable: stand_in(each.preset) for each in wish.watched if each.variable}
    return load(Path("sonde.yaml"), {**environ, "HOOK": HOOK}, cwd=folder, strict=True, now=1.79e9)


@pytest.mark.parametrize("preset", PRESETS)
def test_every_preset_makes_a_sound_configuration(preset: str, tmp_path: Path) -> None:
    """Without a warning but the one that nobody is told."""
    loaded = checked(wish_for(preset), tmp_path)
    assert [each.preset for each in loaded.config.providers] == [preset]
    assert loaded.config.targets[0].model == USUAL[preset].model
    assert loaded.config.targets[0].expect.contains == "ok"
    odd = [str(each) for each in loaded.warnings if "retire" not in str(each)]
    assert len(odd) == 1
    assert "no channel is configured" in odd[0]


def test_everything_that_is_wished_is_in_it(tmp_path: Path) -> None:
    """Interval, budget, channels, embeddings; and not the value of any secret."""
    wish = wish_for("openai", interval="30s", budget_usd=0.5, slack_webhook="HOOK", webhook="HOOK")
    config = checked(wish, tmp_path).config
    assert [(each.operation, each.interval_s) for each in config.targets] == [
        (Operation.CHAT, 30.0),
        (Operation.EMBEDDINGS, 30.0),
    ]
    assert [each.daily_usd for each in config.budgets] == [0.5]
    assert [each.name for each in config.channels] == ["slack", "webhook"]
    alone = checked(wish_for("openai", webhook="HOOK"), tmp_path).config.channels
    assert [each.name for each in alone] == ["webhook"]
    alone = checked(wish_for("openai", slack_webhook="HOOK"), tmp_path).config.channels
    assert [each.name for each in alone] == ["slack"]
    text = configuration(wish)
    assert stand_in("openai") not in text
    assert HOOK not in text


def test_providers_and_targets_have_names_of_their_own(tmp_path: Path) -> None:
    """Two of one preset are numbered; a model that both have is told apart by its provider."""
    first = Watched(preset="vllm", models=("org/model:1 b", "off"), base_url="http://a.example/v1")
    second = Watched(preset="vllm", models=("org/model:1 b",), base_url="http://b.example/v1")
    wish = Wish(watched=(first, second))
    assert names_of(wish) == ("vllm", "vllm-2")
    targets = checked(wish, tmp_path).config.targets
    assert [(each.name, each.model) for each in targets] == [
        ("org-model-1-b", "org/model:1 b"),
        ("off", "off"),
        ("org-model-1-b-vllm-2", "org/model:1 b"),
    ]


def test_a_model_is_text_and_nothing_else(tmp_path: Path) -> None:
    """Whatever YAML or Sonde could take it for: a number, a quote, a variable."""
    models = ("4", "1e5", 'a"b\\', "${HOME}", "x: y", "#no", "yes")
    watched = Watched(preset="vllm", models=models, base_url="http://a.example/v1")
    targets = checked(Wish(watched=(watched,)), tmp_path).config.targets
    assert tuple(each.model for each in targets) == models


def test_what_no_line_can_hold_is_refused() -> None:
    """And so is what is no variable's name."""
    watched = Watched(preset="vllm", models=("a\nb",), base_url="http://a.example/v1")
    with pytest.raises(WishError, match="in one line"):
        configuration(Wish(watched=(watched,)))
    with pytest.raises(WishError, match="the name of a variable"):
        configuration(wish_for("openai", slack_webhook="https://hooks.slack.com/x"))


def test_a_slow_preset_keeps_its_pace() -> None:
    """A shorter interval is lengthened for it alone; a longer one holds, a wrong one is told."""
    assert "    interval: 2m " in configuration(wish_for("xai"))
    assert "interval: 2m " not in configuration(wish_for("xai", interval="5m"))
    assert "interval: nonsense" in configuration(wish_for("xai", interval="nonsense"))


def test_the_price_is_the_most_it_can_be(tmp_path: Path) -> None:
    """An hour is sixty probes a minute apart; what has no price is named, and not free."""
    targets = checked(wish_for("openai"), tmp_path).config.targets
    price = price_of(targets)
    assert 0.0 < price.hour_usd < 0.01
    assert price.day_usd == 24 * price.hour_usd
    assert words(price).startswith("costs at most $0.00")
    house = checked(wish_for("vllm"), tmp_path).config.targets
    assert words(price_of(house)).startswith("what my-model costs is not known")
    assert words(price_of([*targets, *house])).endswith(
        "without my-model, whose price is not known"
    )


def test_small_amounts_keep_their_digits() -> None:
    """A cent is not nothing."""
    assert [usd(each) for each in (0.0, 0.00123, 0.5, 12.345)] == [
        "$0.00",
        "$0.0012",
        "$0.5",
        "$12.35",
    ]
