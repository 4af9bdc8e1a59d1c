"""A daemon as a process, in front of what a dashboard has to show."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeVar

from tests.browser.background import Background
from tests.browser.providers import Providers
from tests.docs.picture import Shown, remember
from tests.e2e import configs
from tests.e2e.daemon_process import DaemonProcess, wait_until
from tests.standins.slack import Slack

T = TypeVar("T")
SLASHED: Final = "house/chat@v1:a"
"""A name that is no segment of a path as it stands."""
PAST: Final = (
    Shown(SLASHED, "plain", "chat-a", 0.4, (3, 17)),
    Shown("steady", "plain", "chat-b", 0.7, tuple(range(30))),
)
"""Those that have a month behind them; the second failed often enough for a second page."""
DOWN: Final = ("down-1", "down-2", "down-3", "down-4")
HARMS: Final = ("refuses", "limits", "page", "cuts", "lies")
SLACK: Final = 'team: {type: slack, webhook_url: "${SLACK}", allow_http: true}'
MORE: Final = """
budget: {daily: 5000 USD}
slos:
  - {name: answers, objective: 99.5%, over: 30d, match: {provider: plain}}
maintenance:
  - {match: {provider: nobody}, every: "Sun 02:00-04:00", timezone: Europe/Berlin}
public_page:
  title: Acme
  components: {Chat: [steady], Search: [down-1, refuses]}
status_pages: true
"""
HEAD: Final = configs.head(interval="1s", deadline="1s").replace("location: test", "location: demo")


@dataclass(frozen=True, slots=True)
class World:
    """What is there, and how to wait for what the daemon makes of it."""

    background: Background
    providers: Providers
    slack: Slack
    daemon: DaemonProcess

    @property
    def url(self) -> str:
        return self.daemon.url.rstrip("/")

    def api(self, path: str) -> Any:  # Any: JSON
        """Return what the API answers."""
        return self.daemon.get(f"/api/v1{path}").json()

    def until(self, look: Callable[[], T], what: str) -> T:
        """Return the first truthy value of `look`."""
        return self.background.run(wait_until(look, what))

    def alert(self, target: str) -> Any:  # Any: JSON
        """Return the alert that fires about one target; None: there is none."""
        firing = (one for one in self.api("/alerts") if one["state"] == "firing")
        return next((one for one in firing if one["subject"] == target), None)


def chat(name: str, provider: str = "plain", more: str = "", model: str = "") -> str:
    """Return a target as configurations have it."""
    said = f'name: "{name}", provider: {provider}, model: {model or name}, operation: chat'
    return said + more


def configuration(origin: str, *targets: str, more: str = "") -> str:
    """Return a configuration over these targets.

    Whoever fails is a provider of its own, with its own key: we ask less of a key that is refused.
    """
    kinds = dict.fromkeys(("plain", *DOWN), "plain") | dict.fromkeys(HARMS, "hostile")
    lines = (
        f'  {name}: {{preset: compatible, base_url: "{origin}/{kind}/v1",'
        f' api_key: "${{KEY}}{name}", status_page: "{origin}/{kind}/status",'
        " prices: {default: {input: 1, output: 2}}}\n"
        for name, kind in kinds.items()
    )
    rules = configs.QUICK_RULES + "  - {name: ProviderDown, enabled: false}\n"
    return HEAD + "providers:\n" + "".join(lines) + configs.targets(targets) + rules + more


def begin(
    background: Background, folder: Path, *targets: str, more: str | None = None, past: bool = True
) -> World:
    """Start everything; return when the alerts about what is down fire."""
    providers = background.enter(Providers())
    slack = background.enter(Slack())
    providers.failing.update(DOWN)
    if past:
        background.run(remember(folder / "sonde.db", PAST, time.time()))
    added = MORE + configs.channels(SLACK) if more is None else more
    text = configuration(providers.origin, *(targets or everything()), more=added)
    daemon = DaemonProcess(folder, text, {"SLACK": slack.webhook_url})
    background.enter(daemon)
    world = World(background, providers, slack, daemon)
    if not targets:
        for name in (*DOWN, *HARMS):
            world.until(partial(daemon.verdicts, name), f"a probe of {name}")
        for name in DOWN:
            world.until(partial(world.alert, name), f"an alert about {name}")
    return world


def everything() -> list[str]:
    """Return a target of each kind."""
    streamed = ', stream: true, expect: {contains: ok}, labels: {team: "<i>us</i>"}'
    return [
        *(chat(each.name, more=streamed, model=each.model) for each in PAST),
        *(chat(name, name) for name in DOWN),
        chat("turns"),
        *(chat(name, name, ", expect: {contains: ok}") for name in HARMS if name != "cuts"),
        chat("cuts", "cuts", ", stream: true"),
    ]
