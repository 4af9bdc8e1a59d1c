"""The dashboard's page and files, without a socket."""

import gzip
from pathlib import Path

import httpx2
import pytest
from fastapi.responses import PlainTextResponse
from starlette.applications import Starlette

from monitor.web.assets import (
    PATHS,
    Asset,
    Assets,
    AssetsMissingError,
    Refusal,
    dashboard_routes,
    load_assets,
)

SCRIPT = Asset("text/javascript", b"let a;", gzip.compress(b"let a;"))
ASSETS = Assets(Asset("text/html", b"<p>", gzip.compress(b"<p>")), {"main-AB12.js": SCRIPT})


def client(refusal: Refusal = lambda _: None) -> httpx2.AsyncClient:
    app = Starlette(routes=dashboard_routes(ASSETS, refusal))
    transport = httpx2.ASGITransport(app=app)
    return httpx2.AsyncClient(transport=transport, base_url="http://localhost")


@pytest.mark.parametrize("path", [path.replace("{name:path}", "a%2Fb") for path in PATHS])
async def test_every_path_of_the_dashboard_is_one_page(path: str) -> None:
    """The page is asked for anew each time, and lets in scripts of our own alone."""
    async with client() as http:
        answer = await http.get(path)
    assert answer.text == "<p>"
    assert answer.headers["cache-control"] == "no-cache"
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; script-src 'self';")
    assert "unsafe" not in policy


async def test_files_are_kept_for_good() -> None:
    """A file is named by its content: a browser never has to ask again."""
    async with client() as http:
        answer = await http.get("/assets/main-AB12.js")
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.headers["content-type"] == "text/javascript; charset=utf-8"
    assert answer.headers["x-content-type-options"] == "nosniff"


async def test_a_client_gets_what_it_can_read() -> None:
    """Compressed for who says so, plain for who does not, and caches are told the difference."""
    async with client() as http:
        packed = await http.get("/assets/main-AB12.js", headers={"Accept-Encoding": "br, gzip"})
        plain = await http.get("/assets/main-AB12.js", headers={"Accept-Encoding": "identity"})
    assert packed.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert packed.content == plain.content == b"let a;"
    assert packed.headers["vary"] == plain.headers["vary"] == "Accept-Encoding"


@pytest.mark.parametrize("name", ["main-OLD.js", "..%2Fassets.py", "index.html"])
async def test_only_built_files_are_served(name: str) -> None:
    """Anything else is 404, and nobody keeps that answer."""
    async with client() as http:
        answer = await http.get(f"/assets/{name}")
    assert answer.status_code == 404
    assert answer.headers.get("cache-control") in {"no-store", None}
    assert "immutable" not in str(answer.headers)


async def test_the_page_asks_who_may_see_it() -> None:
    """A refusal stands before the page."""
    async with client(lambda _: PlainTextResponse("no", 401)) as http:
        assert (await http.get("/alerts")).status_code == 401


def test_a_build_is_read_from_its_folder(tmp_path: Path) -> None:
    """The page and the files stand apart, each with its compressed twin."""
    for name, body in (("index.html", b"<p>"), ("main-AB12.js", b"let a;")):
        (tmp_path / name).write_bytes(body)
        (tmp_path / f"{name}.gz").write_bytes(gzip.compress(body))
    found = load_assets(tmp_path)
    assert found.page.plain == b"<p>"
    assert list(found.files) == ["main-AB12.js"]
    assert gzip.decompress(found.files["main-AB12.js"].gzip) == b"let a;"


def test_an_installation_without_the_dashboard_says_so(tmp_path: Path) -> None:
    """It was not built: one clear line, not an empty page."""
    with pytest.raises(AssetsMissingError, match="not built"):
        load_assets(tmp_path)
