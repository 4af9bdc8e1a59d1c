"""Every form about alerts in front of a daemon that runs: what is written there is so."""

import json
import time

from playwright.sync_api import Locator, Page, expect

from tests.browser.visiting import photograph
from tests.browser.world import World


def filled(dialog: Locator, why: str) -> None:
    """Say who, and why."""
    dialog.get_by_label("Your name").fill("ada")
    dialog.get_by_label(why).fill("they told us")


def told(world: World, target: str) -> bool:
    """Whether a channel heard of a target."""
    return any(target in json.dumps(message) for message in world.slack.messages)


def test_an_acknowledged_alert_is_acknowledged(page: Page, world: World) -> None:
    """The form's words are in the API, on the alert, among the silences and among the writes."""
    page.goto(f"{world.url}/alerts")
    page.get_by_role("button", name="Acknowledge Down of down-1").click()
    dialog = page.get_by_role("dialog")
    filled(dialog, "What you do about it")
    photograph(page, "acknowledge")
    page.keyboard.press("Enter")
    expect(page.locator(".said")).to_contain_text("Down of down-1 is acknowledged")
    found = page.locator(".alert", has_text="Down of down-1")
    expect(found).to_contain_text("acknowledged", timeout=10_000)
    assert "ada" in world.alert("down-1")["acknowledged"]
    page.get_by_role("link", name="Silences").click()
    row = page.locator("tbody tr", has_text="Down of down-1")
    expect(row).to_contain_text("they told us")
    page.get_by_role("link", name="Writes").click()
    expect(page.locator("tbody tr").first).to_contain_text("acknowledge")


def test_what_is_silenced_reaches_nobody_until_that_ends(page: Page, world: World) -> None:
    """A silence made before its alert: the alert is there and quiet; ended, people hear of it."""
    page.goto(f"{world.url}/alerts?tab=silences")
    page.get_by_role("button", name="New silence").click()
    dialog = page.get_by_role("dialog")
    filled(dialog, "Why")
    dialog.get_by_role("combobox", name="Label 1").fill("targett")
    dialog.get_by_role("combobox", name="Pattern 1").fill("turns")
    page.keyboard.press("Enter")
    expect(dialog.locator(".problem").first).to_contain_text("targett")
    photograph(page, "silence-refused")
    dialog.get_by_role("combobox", name="Label 1").fill("target")
    page.keyboard.press("Enter")
    expect(page.locator(".said")).to_contain_text("holds until")
    world.providers.failing.add("turns")
    try:
        alert = world.until(lambda: world.alert("turns"), "an alert about turns")
        page.get_by_role("link", name="Now").click()
        shown = page.locator(".alert", has_text="Down of turns")
        expect(shown).to_contain_text("kept quiet", timeout=10_000)
        time.sleep(1)  # several evaluations
        assert not told(world, "turns")
        page.get_by_role("link", name="Silences").click()
        page.get_by_role("button", name="End the silence of target=turns").click()
        page.get_by_role("dialog").get_by_role("button", name="End it now").click()
        expect(page.locator(".said")).to_contain_text("It has ended")
        world.until(lambda: told(world, "turns"), "a message about turns")
        page.goto(f"{world.url}/alerts?explain={alert['fingerprint']}")
        expect(page.locator(".story li").nth(1)).to_be_visible()
        photograph(page, "explain")
    finally:
        world.providers.failing.discard("turns")
    page.goto(f"{world.url}/alerts?tab=history&word=turns")
    expect(page.locator("tbody tr").first).to_contain_text("turns")


def test_planned_work_is_scheduled(page: Page, world: World) -> None:
    """It is in the API with its author and its times, and is called off again."""
    page.goto(f"{world.url}/alerts?tab=maintenance")
    page.get_by_role("button", name="Plan work").click()
    dialog = page.get_by_role("dialog")
    filled(dialog, "Why")
    dialog.get_by_role("combobox", name="Label 1").fill("provider")
    dialog.get_by_role("combobox", name="Pattern 1").fill("nobody")
    day = time.strftime("%Y-%m-%d", time.localtime(time.time() + 86_400))
    dialog.get_by_label("Starts").fill(f"{day}T20:00")
    dialog.get_by_label("End", exact=True).fill(f"{day}T22:00")
    photograph(page, "plan")
    page.keyboard.press("Enter")
    expect(dialog).to_have_count(0)
    (planned,) = [one for one in world.api("/silences") if one["state"] == "scheduled"]
    assert planned["author"] == "ada"
    assert planned["ends_at"] - planned["starts_at"] == 7200
    page.get_by_role("button", name="End the silence of provider=nobody").click()
    page.get_by_role("dialog").get_by_role("button", name="End it now").click()
    expect(page.locator(".said")).to_contain_text("ended")
    world.until(
        lambda: all(one["id"] != planned["id"] for one in world.api("/silences")), "its end"
    )
