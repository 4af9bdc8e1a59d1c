"""`sonde check` says what may be spent, and what could be."""

from pathlib import Path

import pytest

from monitor.cli.check import check_json, check_text
from tests.unit.monitor.config.configtexts import SMALL, load_text

BOTH = "budget: {daily: 50 USD, timezone: Europe/Berlin}\n" + SMALL.replace(
    "preset: openai,", "preset: openai, budget: {daily: $0.50},"
)


def test_every_budget_is_told_with_what_its_probes_could_cost(tmp_path: Path) -> None:
    """One line each: whose, how much, until whose midnight, and the dearest day there can be."""
    lines = check_text(load_text(tmp_path, BOTH)).splitlines()
    told = [line.split("budget")[1].strip() for line in lines if line.startswith("  budget ")]
    assert [line.partition(";")[0] for line in told] == [
        "$50.00 a day for all providers together, to midnight Europe/Berlin",
        "$0.50 a day for openai, to midnight Europe/Berlin",
    ]
    assert all("if every probe cost the most it can: $" in line for line in told)


def test_budgets_are_data_for_scripts(tmp_path: Path) -> None:
    """The provider is null for the budget of all together; without any the list is empty."""
    together, own = check_json(load_text(tmp_path, BOTH))["budgets"]
    assert (together["provider"], together["daily_usd"]) == (None, 50.0)
    assert (own["provider"], own["daily_usd"], own["timezone"]) == ("openai", 0.5, "Europe/Berlin")
    assert own["most_usd"] == pytest.approx(together["most_usd"])
    assert own["most_usd"] > 0
    assert check_json(load_text(tmp_path, SMALL))["budgets"] == []


def test_a_price_no_page_confirms_is_told_as_such(tmp_path: Path) -> None:
    """With a budget or without."""
    text = SMALL.replace("preset: openai", "preset: mistral")
    doubted = text.replace("gpt-4o-mini", "mistral-large-latest")
    assert ", not confirmed" in check_text(load_text(tmp_path, doubted, strict=False))
    assert ", not confirmed" not in check_text(load_text(tmp_path, SMALL))
