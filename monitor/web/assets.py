"""The dashboard as it is served: one page for every path of its own, and files named by content.

The package build makes them (monitor/web/ui) into monitor/web/static, compressed beforehand. A
file's name changes with its content, so browsers may keep it for good; the page itself names the
files and is asked for anew each time.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Final

from fastapi import Request, Response
from fastapi.responses import PlainTextResponse
from starlette.routing import Route

CONTENT_SECURITY_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
PAGE_HEADERS: Final = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}
FILE_HEADERS: Final = {
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "public, max-age=31536000, immutable",
}
PATHS: Final = ("/", "/targets/{name:path}", "/alerts", "/slos", "/costs", "/limits", "/replicas")
"""The paths src/main.tsx has a page for."""
INDEX: Final = "index.html"
MEDIA_TYPES: Final = {
    "html": "text/html",
    "js": "text/javascript",
    "css": "text/css",
    "txt": "text/plain",
}

Refusal = Callable[[Request], Response | None]
"""Says no to somebody who may not see the dashboard; None to who may."""


class AssetsMissingError(FileNotFoundError):
    """The dashboard was not built into this installation."""


@dataclass(frozen=True, slots=True)
class Asset:
    """One file, plain and compressed."""

    media_type: str
    plain: bytes
    gzip: bytes

    def answer(self, request: Request, headers: Mapping[str, str]) -> Response:
        """Return it as the client can read it."""
        packed = "gzip" in request.headers.get("accept-encoding", "")
        coding = {"Content-Encoding": "gzip"} if packed else {}
        body = self.gzip if packed else self.plain
        media_type = f"{self.media_type}; charset=utf-8"
        whole = {**headers, **coding, "Vary": "Accept-Encoding"}
        return Response(body, media_type=media_type, headers=whole)


@dataclass(frozen=True, slots=True)
class Assets:
    """The built dashboard, in memory: some 150 kB."""

    page: Asset
    files: Mapping[str, Asset]


def load_assets(static: Traversable | None = None) -> Assets:
    """Read the dashboard from the package. Raises AssetsMissingError when it was not built."""
    folder = static or files("monitor.web") / "static"
    if not (folder / INDEX).is_file():
        raise AssetsMissingError("the dashboard is not built: install Sonde, or make venv")
    names = [one.name for one in folder.iterdir() if not one.name.endswith(".gz")]
    made = {name: _asset(folder, name) for name in names}
    return Assets(made.pop(INDEX), made)


def _asset(folder: Traversable, name: str) -> Asset:
    media_type = MEDIA_TYPES[name.rpartition(".")[2]]
    return Asset(media_type, (folder / name).read_bytes(), (folder / f"{name}.gz").read_bytes())


def dashboard_routes(assets: Assets, refusal: Refusal) -> list[Route]:
    """Return the routes of the dashboard. Its files hold nothing secret: they are open to all."""

    async def page(request: Request) -> Response:
        return refusal(request) or assets.page.answer(request, PAGE_HEADERS)

    async def file(request: Request) -> Response:
        found = assets.files.get(request.path_params["name"])
        if found is None:
            # A page from before an update asks for what is no longer there: it must not be kept.
            return PlainTextResponse("There is no such file.\n", 404, {"Cache-Control": "no-store"})
        return found.answer(request, FILE_HEADERS)

    pages = [Route(path, page, methods=["GET", "HEAD"]) for path in PATHS]
    return [*pages, Route("/assets/{name}", file, methods=["GET", "HEAD"])]
