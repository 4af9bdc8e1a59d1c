"""Budgets are read exactly, or refused in one clear line."""

from datetime import UTC, datetime, time, timedelta
from pathlib import Path

import pytest

from monitor.config.budget import STALE_DAYS
from monitor.config.load import load
from monitor.config.money import parse_usd
from monitor.config.values import Budget
from probes.prices import PRICES
from tests.unit.monitor.config.configtexts import ENVIRON, SMALL, load_text, refusal

PRICED = """\
providers:
  openai: {preset: openai, api_key: "${KEY}", @@}
targets:
  - {name: chat, provider: openai, model: gpt-4o-mini}
"""


def budgets(folder: Path, text: str, **environ: str) -> tuple[Budget, ...]:
    return load_text(folder, text, environ=environ).config.budgets


@pytest.mark.parametrize(
    ("said", "usd"),
    [
        ("5", 5.0),
        (5, 5.0),
        (0.5, 0.5),
        ("5 USD", 5.0),
        ("5USD", 5.0),
        ("5.25 usd", 5.25),
        ("$5", 5.0),
        ("$ .50", 0.5),
        (" 5 USD ", 5.0),
        ("1000000", 1e6),
    ],
)
def test_money_is_dollars(said: object, usd: float) -> None:
    """With its currency, its sign or neither."""
    assert parse_usd(said) == usd


@pytest.mark.parametrize(
    "said",
    [
        *("", "USD", "five", "5 EUR", "5 €", "-5", "0", "0.001", "1e3", "nan", "5,00"),
        *("5 USD a day", "1000001", True, None, [5], float("nan"), float("inf")),
    ],
)
def test_other_money_is_refused(said: object) -> None:
    """Another currency, no amount, too little, too much."""
    with pytest.raises(ValueError, match="expected"):
        parse_usd(said)


def test_without_a_budget_there_is_none(tmp_path: Path) -> None:
    """Nobody is limited who did not ask for it."""
    assert budgets(tmp_path, SMALL) == ()
    assert budgets(tmp_path, SMALL, DAILY_BUDGET_USD="") == ()


def test_one_for_all_and_one_for_a_provider(tmp_path: Path) -> None:
    """The provider's day ends when that of all does, unless it says otherwise."""
    text = "budget: {daily: 50 USD, timezone: Europe/Berlin}\n" + PRICED
    assert budgets(tmp_path, text.replace("@@", "budget: {daily: $5}")) == (
        Budget(subject="", daily_usd=50.0, timezone="Europe/Berlin"),
        Budget(subject="openai", daily_usd=5.0, timezone="Europe/Berlin"),
    )
    own = text.replace("@@", "budget: {daily: 5, timezone: Asia/Tokyo}")
    assert budgets(tmp_path, own)[1].timezone == "Asia/Tokyo"


def test_a_timezone_alone_is_for_the_providers(tmp_path: Path) -> None:
    """Without an amount there is no budget of all, and its midnight holds all the same."""
    text = "budget: {timezone: Asia/Tokyo}\n" + PRICED.replace("@@", "budget: {daily: 5}")
    assert budgets(tmp_path, text) == (
        Budget(subject="openai", daily_usd=5.0, timezone="Asia/Tokyo"),
    )


def test_the_variable_is_the_budget_of_all(tmp_path: Path) -> None:
    """With a file and without; what the file says goes before it."""
    assert budgets(tmp_path, SMALL, DAILY_BUDGET_USD="7.5") == (Budget(subject="", daily_usd=7.5),)
    said = "budget: {daily: 2}\n" + SMALL
    assert budgets(tmp_path, said, DAILY_BUDGET_USD="7.5") == (Budget(subject="", daily_usd=2.0),)
    environ = {"OPENAI_API_KEY": "sk-test-0123456789", "DAILY_BUDGET_USD": "$3"}
    loaded = load(None, {"HOME": str(tmp_path), **environ}, cwd=tmp_path, strict=True)
    assert loaded.config.budgets == (Budget(subject="", daily_usd=3.0),)


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        (
            "{daily: 5 EUR}",
            (
                "budget.daily: expected an amount such as 5 USD, 0.50 or $5: prices are in US"
                ' dollars, and no other money is changed, not "5 EUR"'
            ),
        ),
        ("{daily: 0}", "budget.daily: expected from 0.01 to 1,000,000 US dollars, not 0"),
        (
            "{daily: 5, timezone: Europe/Berlni}",
            (
                "budget.timezone: expected a time zone such as UTC or Europe/Berlin"
                ' (did you mean Europe/Berlin?), not "Europe/Berlni"'
            ),
        ),
        (
            "{daily: 5, timezone: Europe}",
            (
                "budget.timezone: expected a time zone such as UTC or Europe/Berlin"
                ' (did you mean Europe/Rome?), not "Europe"'
            ),
        ),
        (
            "{dayly: 5}",
            "budget.dayly: unknown key (did you mean daily?); allowed: daily, timezone",
        ),
    ],
)
def test_what_cannot_be_kept_is_refused(tmp_path: Path, said: str, problem: str) -> None:
    """Each with its place and what is expected."""
    told = refusal(tmp_path, f"budget: {said}\n{SMALL}")
    assert told.partition(" ")[2].startswith(problem.partition(" (did")[0])


def test_a_providers_budget_needs_an_amount(tmp_path: Path) -> None:
    """A timezone alone limits nothing."""
    text = PRICED.replace("@@", "budget: {timezone: UTC}")
    assert refusal(tmp_path, text).endswith(
        "providers.openai.budget: missing: daily, such as 5 USD"
    )


@pytest.mark.parametrize("where", ["provider", "all", "variable"])
def test_a_target_without_a_price_is_refused_under_a_budget(tmp_path: Path, where: str) -> None:
    """One line that says where, and how to mend it."""
    text = PRICED.replace("gpt-4o-mini", "gpt-99").replace(
        "@@", "budget: {daily: 5}" if where == "provider" else ""
    )
    told = refusal(
        tmp_path,
        f"budget: {{daily: 5}}\n{text}" if where == "all" else text,
        environ={"DAILY_BUDGET_USD": "5"} if where == "variable" else {},
    )
    assert told.endswith(
        "targets[0].model: no price is known, and a budget is to be kept: say it as"
        ' providers.openai.prices: {"gpt-99": {input: …, output: …}},'
        " in US dollars per million tokens"
    )


def test_each_model_without_a_price_is_named(tmp_path: Path) -> None:
    """In a list of models, the one that lacks it."""
    text = PRICED.replace("name: chat", 'name: "{model}"').replace("@@", "budget: {daily: 5}")
    told = refusal(tmp_path, text.replace("model: gpt-4o-mini", "models: [gpt-4o, gpt-99]"))
    assert "targets[0].models[1]: no price is known" in told


def test_a_price_that_is_said_is_enough(tmp_path: Path) -> None:
    """Also one of nothing, and one for all models."""
    prices = "budget: {daily: 5}, prices: {default: {input: 0, output: 0}}"
    text = PRICED.replace("gpt-4o-mini", "gpt-99").replace("@@", prices)
    assert budgets(tmp_path, text) != ()


def test_without_a_budget_a_price_is_not_needed(tmp_path: Path) -> None:
    """The cost is unknown then, and said to be."""
    config = load_text(tmp_path, SMALL.replace("gpt-4o-mini", "gpt-99")).config
    assert config.targets[0].price is None


def test_the_value_of_a_variable_is_not_told(tmp_path: Path) -> None:
    """A model that comes from a variable may be anything."""
    text = PRICED.replace("gpt-4o-mini", "'${SECRET_MODEL}'").replace("@@", "budget: {daily: 5}")
    told = refusal(tmp_path, text, environ={"SECRET_MODEL": "hunter2"})
    assert "hunter2" not in told
    assert "the value of ${SECRET_MODEL}" in told


@pytest.mark.parametrize(
    ("model", "preset", "after_days", "told"),
    [
        ("gpt-4o-mini", "openai", STALE_DAYS, ""),
        ("gpt-4o-mini", "openai", STALE_DAYS + 1, "last confirmed on"),
        ("mistral-large-latest", "mistral", 0, "that no page confirms"),
    ],
)
def test_doubtful_prices_are_warned_of_under_a_budget(
    tmp_path: Path, model: str, preset: str, after_days: int, told: str
) -> None:
    """Half a year after anybody looked at one, and always when nobody could."""
    price = PRICES[preset][model]
    assert price.as_of is not None
    day = datetime.combine(price.as_of, time(12), UTC) + timedelta(days=after_days)
    text = PRICED.replace("gpt-4o-mini", model).replace("preset: openai", f"preset: {preset}")
    for budget, expected in (("budget: {daily: 5}", told), ("", "")):
        (tmp_path / "sonde.yaml").write_text(text.replace("@@", budget))
        loaded = load(Path("sonde.yaml"), ENVIRON, cwd=tmp_path, strict=False, now=day.timestamp())
        doubts = [w.message for w in loaded.warnings if "price" in w.message]
        assert len(doubts) == bool(expected)
        assert all(expected in doubt and price.source in doubt for doubt in doubts)


def test_a_price_of_the_configuration_is_never_doubted(tmp_path: Path) -> None:
    """Its owner knows it."""
    prices = "budget: {daily: 5}, prices: {default: {input: 1, output: 1}}"
    (tmp_path / "sonde.yaml").write_text(PRICED.replace("@@", prices))
    loaded = load(Path("sonde.yaml"), ENVIRON, cwd=tmp_path, strict=True, now=4e9)
    assert not any("price" in warning.message for warning in loaded.warnings)


def test_a_list_of_models_needs_no_price(tmp_path: Path) -> None:
    """It costs nothing anywhere."""
    text = PRICED.replace("gpt-4o-mini", "gpt-99, operation: models")
    assert budgets(tmp_path, text.replace("@@", "budget: {daily: 5}")) != ()


def test_the_prompt_a_provider_adds_is_part_of_its_targets(tmp_path: Path) -> None:
    """Not said, it is the preset's."""
    config = load_text(tmp_path, PRICED.replace("@@", "prompt_overhead: 2000")).config
    assert config.targets[0].prompt_overhead_tokens == 2000
    assert load_text(tmp_path, SMALL).config.targets[0].prompt_overhead_tokens is None


def test_a_day_that_pays_for_no_probe_is_warned_of(tmp_path: Path) -> None:
    """What will never be watched is said beforehand: once a budget, by its dearest target."""
    text = """\
budget: {daily: 5}
providers:
  own: {preset: compatible, base_url: "http://own", budget: {daily: 0.05},
        prices: {default: {input: 100, output: 1000}}}
targets:
  - {name: cheap, provider: own, model: m, max_output_tokens: 1}
  - {name: dear, provider: own, model: m, max_output_tokens: 1000}
  - {name: dearer, provider: own, model: m, max_output_tokens: 4000}
"""
    warned = [
        each for each in load_text(tmp_path, text).warnings if "not one probe" in each.message
    ]
    assert [(each.path, each.line) for each in warned] == [("providers.own.budget", 3)]
    assert "2 of its 3 targets: dearer may cost $4." in warned[0].message
    assert not load_text(tmp_path, text.replace("0.05", "5")).warnings[1:]
