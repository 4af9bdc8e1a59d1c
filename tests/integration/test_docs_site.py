"""The site as `make docs` builds it: a link that leads nowhere fails, nothing is fetched."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from tests.docs.blocks import PAGES, ROOT

_FETCHED: Final = re.compile(
    r"""<(?:script|img|iframe)\b[^>]*\bsrc=["']?(https?:)?//|"""
    r"""<link\b[^>]*\brel=["']?(?:stylesheet|preload|preconnect|icon)\b[^>]*\bhref=["']?(https?:)?//"""
)
_BY_NAME: Final = re.compile(r"pip install (?:-\S+ )*['\"]?sonde(?![\w.\[-])")
"""An extra (`sonde[parquet]`) is of what is installed already."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build it, strictly."""
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)],
        cwd=ROOT,
        env=os.environ | {"NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return folder


def test_every_page_is_in_the_navigation(site: Path) -> None:
    """A page that nobody finds is not there: mkdocs warns of it, and strictly fails."""
    pages = {path.relative_to(ROOT / "docs") for path in (ROOT / "docs").rglob("*.md")}
    assert {page.with_suffix(".html") for page in pages} <= {
        path.relative_to(site) for path in site.rglob("*.html")
    }


def test_a_reader_fetches_nothing_from_others(site: Path) -> None:
    """No font, script, style or picture of another host: nobody learns who reads what."""
    pages = list(site.rglob("*.html"))
    assert pages
    assert [page.name for page in pages if _FETCHED.search(page.read_text(encoding="utf-8"))] == []


def test_files_of_the_repository_are_there(site: Path) -> None:
    """Pages link to what is shipped beside them, and the site has it."""
    assert (site / "deploy" / "sonde.yaml").is_file()
    assert "deploy/sonde.yaml" in (site / "configuration.html").read_text(encoding="utf-8")


def test_every_claim_about_others_has_a_page() -> None:
    """The table of comparison links what it says of each of them."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    table = text.partition("## How it compares")[2].partition("\n## ")[0]
    for other in ("Gatus", "blackbox_exporter", "Cloudprober", "Uptime Kuma", "LiteLLM"):
        assert re.search(rf"\[[^\]]*{other}[^\]]*\]\(https://", table), other


def test_nobody_is_told_to_install_a_stranger() -> None:
    """On PyPI our name is somebody else's package: no page installs it by its name alone."""
    assert _BY_NAME.search("run: pip install --quiet sonde\n")
    texts = {page.name: page.read_text(encoding="utf-8") for page in PAGES}
    assert [name for name, text in texts.items() if _BY_NAME.search(text)] == []
