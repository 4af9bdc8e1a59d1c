"""The public page as it is configured."""

from pathlib import Path

import pytest

from monitor.config.errors import ConfigError
from monitor.config.load import load
from monitor.config.values import Component, Config, PublicPage

ROOT = """\
providers: {p: {preset: compatible, base_url: "http://127.0.0.1:1/v1"}}
targets:
  - {name: chat, provider: p, model: m, operation: chat}
  - {name: other, provider: p, model: m, operation: chat}
"""


def read(tmp_path: Path, more: str) -> Config:
    path = tmp_path / "sonde.yaml"
    path.write_text(ROOT + more, encoding="utf-8")
    return load(path, {}, cwd=tmp_path, strict=False).config


def test_there_is_none_unless_it_is_configured(tmp_path: Path) -> None:
    """Nothing is public by itself."""
    assert read(tmp_path, "").public_page is None


def test_components_are_targets_under_other_names(tmp_path: Path) -> None:
    """Readers learn the names given here, in this order, and a title."""
    page = "public_page: {title: Acme, components: {Search: [other], Chat: [chat, other]}}\n"
    assert read(tmp_path, page).public_page == PublicPage(
        "Acme", (Component("Search", ("other",)), Component("Chat", ("chat", "other")))
    )
    untitled = read(tmp_path, "public_page: {components: {Chat: [chat]}}\n").public_page
    assert untitled is not None
    assert untitled.title == "Status"


@pytest.mark.parametrize(
    ("page", "told"),
    [
        ("{components: {Chat: [chta]}}", "no target of this name (did you mean chat?)"),
        ("{components: {Chat: []}}", "public_page.components.Chat"),
        ("{components: {}}", "public_page.components"),
        ("{title: Acme}", "public_page.components"),
    ],
)
def test_what_cannot_be_shown_is_refused(tmp_path: Path, page: str, told: str) -> None:
    """A name that is no target's, and a page or a component of nothing."""
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, f"public_page: {page}\n")
    assert told in str(caught.value)
