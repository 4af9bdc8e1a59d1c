"""Objectives, costs and rate limits in a real browser."""

import csv
from collections.abc import Sequence
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from pydantic import BaseModel
from pydantic_core import to_jsonable_python

from monitor.api.models.money import BudgetRow, Burn, CostRow, Costs, LimitRow, SloRow
from tests.browser.board import Board, target

DAY_S = 86_400.0


def answer(page: Page, path: str, rows: Sequence[BaseModel] | BaseModel) -> None:
    """Have a path of the API answer this."""
    page.route(f"**/api/v1/{path}*", lambda route: route.fulfill(json=to_jsonable_python(rows)))


def objective(name: str, left_ratio: float | None, *burns: Burn) -> SloRow:
    return SloRow(
        name=name,
        target="p-a",
        kind="availability",
        objective=0.9995,
        period_s=30 * DAY_S,
        n=1000,
        bad=3,
        good_ratio=0.997,
        left_ratio=left_ratio,
        burns=list(burns),
    )


def burn(window: str, rate: float, sure_rate: float, threshold: float) -> Burn:
    return Burn(
        window=window, rate=rate, sure_rate=sure_rate, threshold=threshold, severity="critical"
    )


def test_the_objective_with_the_least_left_comes_first_with_what_it_means(page: Page) -> None:
    """Overspent, ending and lasting are words, not colours; an objective is not rounded away."""
    slow, fast = burn("3d", 0.4, 0.1, 1.0), burn("1h", 30.0, 20.0, 14.4)
    rows = [objective("c", None), objective("b", 0.5, slow), objective("e", 0.5, fast, slow)]
    answer(page, "slos", [*rows, objective("a", -2.0, fast)])
    with Board([target("p-a")], []) as board:
        page.goto(f"{board.url}/slos")
        lines = page.get_by_role("table", name="Objectives").locator("tbody tr")
        expect(lines).to_contain_text(
            [
                "3 times the budget spent",
                "At the pace of the last 3d the budget lasts.",
                "At the pace of the last 1h the budget ends in 12 h 0 min.",
                "Too little was counted to tell.",
            ]
        )
        expect(lines.first).to_contain_text("99.95 %")
        expect(lines.first).to_contain_text("overspent")
        expect(lines.first.get_by_role("link")).to_have_attribute("href", "/targets/p-a")


PROBED: Sequence[tuple[str, str, list[float | None], float | None]] = (
    ("p-a", "mini", [0.25, None], 0.25),
    ("p-b", "mini", [0.5, None], 0.5),
    ("p-c", "=house", [None, None], None),
)
COSTS = Costs(
    days=["2026-11-20", "2026-11-21"],
    rows=[
        CostRow(
            provider="p",
            target=name,
            model=model,
            usd=usd,
            total_usd=total,
            input_tokens=1000,
            output_tokens=0,
        )
        for name, model, usd, total in PROBED
    ],
    total_usd=0.75,
    budgets=[
        BudgetRow(
            subject="p",
            date="2026-11-21",
            resets_at=1.0,
            limit_usd=2.0,
            spent_usd=1.5,
            reserved_usd=0.1,
            used_ratio=0.8,
            stretched="every second slot",
        )
    ],
)


def test_costs_are_summed_by_model_and_what_is_unknown_is_no_zero(page: Page) -> None:
    """Targets of one model are one row; a dash stands where no price is known, in words too."""
    answer(page, "costs", COSTS)
    with Board([target("p-a")], []) as board:
        page.goto(f"{board.url}/costs")
        lines = page.get_by_role("table", name="Costs by model").locator("tbody tr")
        expect(lines).to_have_count(2)
        expect(lines.first).to_contain_text("2 targets")
        expect(lines.first.locator(".bar-says")).to_have_text("$0.7500")
        expect(lines.last.locator(".bar-says")).to_have_text("–")
        expect(lines.last.get_by_role("img", name="no day's cost is known")).to_be_visible()
        budget = page.get_by_role("table", name="Budgets").locator("tbody tr")
        expect(budget).to_contain_text("$1.50 of $2.00, $0.1000 reserved")
        expect(budget).to_contain_text("stretched every second slot")


def test_the_days_shown_are_in_the_address(page: Page) -> None:
    """A choice is pressed, asked for and found again."""
    answer(page, "costs", COSTS)
    with Board([target("p-a")], []) as board:
        page.goto(f"{board.url}/costs")
        with page.expect_request("**/api/v1/costs?days=90"):
            page.get_by_role("button", name="90 d").click()
        page.reload()
        chosen = page.get_by_role("button", name="90 d")
        expect(chosen).to_have_attribute("aria-pressed", "true")


def test_costs_are_downloaded_under_the_page_s_own_policy(page: Page, tmp_path: Path) -> None:
    """The file has each day and target; unknown is empty, and no field is a formula."""
    answer(page, "costs", COSTS)
    with Board([target("p-a")], []) as board:
        page.goto(f"{board.url}/costs")
        with page.expect_download() as download:
            page.get_by_role("link", name="Download CSV").click()
        assert download.value.suggested_filename == "sonde-costs-2026-11-21.csv"
        kept = tmp_path / "costs.csv"
        download.value.save_as(kept)
        with kept.open(newline="") as file:
            found = list(csv.reader(file))
        assert found[0] == ["day", "provider", "model", "target", "usd"]
        assert found[1] == ["2026-11-20", "p", "mini", "p-a", "0.25"]
        assert found[-1] == ["2026-11-21", "p", "'=house", "p-c", ""]


def test_a_limit_says_what_is_left_and_whether_it_is_to_be_believed(page: Page) -> None:
    """The least headroom first, near its end marked in words, with what the difference means."""

    def limit(model: str, headroom: float | None, observed: float | None, agrees: str) -> LimitRow:
        facts = {"provider": "p", "model": model, "bucket": "requests", "limit": 60, "at": 1.0}
        left = {"remaining": None, "headroom": headroom, "reset_s": 41.0}
        seen = {"observed_per_min": observed, "agrees": agrees}
        return LimitRow.model_validate(facts | left | seen)

    rows = [limit("b", 0.9, 22.0, "no"), limit("a", 0.05, None, "unknown")]
    answer(page, "ratelimits", rows)
    with Board([target("p-a")], []) as board:
        page.goto(f"{board.url}/limits")
        lines = page.get_by_role("table", name="Rate limits").locator("tbody tr")
        expect(lines.first).to_contain_text("near")
        expect(lines.first).to_contain_text("Nothing was refused in the last hour")
        expect(lines.last).to_contain_text("22/min")
        expect(lines.last).to_contain_text("others use this key")


@pytest.mark.parametrize(
    ("path", "asked", "says"),
    [
        ("/slos", "slos", "objective: 99.5%"),
        ("/costs", "costs", "budget: {daily: 5 USD}"),
        ("/limits", "ratelimits", "Limits come with answers, as headers."),
    ],
)
def test_a_page_without_anything_says_how_to_get_it(
    page: Page, path: str, asked: str, says: str
) -> None:
    """Empty is no fault: the page says what would be there, and what to write for it."""
    nothing = Costs(days=[], rows=[], total_usd=None, budgets=[])
    answer(page, asked, nothing if asked == "costs" else [])
    with Board([target("p-a")], []) as board:
        page.goto(f"{board.url}{path}")
        expect(page.locator("main")).to_contain_text(says)


def test_what_the_api_refuses_is_said_and_can_be_tried_again(page: Page) -> None:
    """A problem's own words, and a button that asks anew."""
    refusal = {"title": "Not now", "status": 503, "detail": "The ledger did not answer in time."}
    page.route("**/api/v1/slos", lambda route: route.fulfill(status=503, json=refusal))
    with Board([target("p-a")], []) as board:
        page.goto(f"{board.url}/slos")
        expect(page.get_by_role("alert")).to_contain_text("The ledger did not answer in time.")
        page.unroute("**/api/v1/slos")
        answer(page, "slos", [objective("found", 0.5)])
        page.get_by_role("button", name="Try again").click()
        expect(page.get_by_role("table", name="Objectives")).to_contain_text("found")
