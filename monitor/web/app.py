"""The HTTP side: /livez, /health, /readyz, /metrics, /probe and a plain status page.

Health and metrics need no token: they hold nothing secret and their readers are machines. The page
names providers and errors, and a probe costs money, so wider than loopback they ask for
`http.token_file`.
"""

import base64
import binascii
import hmac
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

from fastapi import FastAPI, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse, PlainTextResponse
from starlette.routing import Route

from monitor.health import Readiness
from monitor.metrics import Metrics
from monitor.view import StatusView
from monitor.web.page import render_page
from monitor.web.probe import Probes
from monitor.web.scrape import Scrapes
from probes.secret import SecretError, SecretSource

PAGE_HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src data:; base-uri 'none'; "
        "form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


@dataclass(frozen=True, slots=True)
class Sources:
    """Where the pages get what they show."""

    readiness: Callable[[], Readiness]
    status: Callable[[], StatusView]
    metrics: Metrics
    probes: Probes


@dataclass(frozen=True, slots=True)
class Access:
    """Who may see the page, and have probes made."""

    host: str
    token: SecretSource | None
    public_url: str | None = None
    """Where people reach us through a proxy on this machine, if they do."""

    @property
    def open(self) -> bool:
        """Whether only this machine can reach us."""
        return is_loopback(self.host)

    def named(self, host: str) -> bool:
        """Whether a Host header names this machine, or the proxy before us.

        A name of somebody else's that was made to lead to this machine brings a browser here as on
        its own site, past every other check: https://en.wikipedia.org/wiki/DNS_rebinding
        """
        name = _hostname(f"//{host}")
        return bool(name) and (is_loopback(name) or name == _hostname(self.public_url or ""))

    def allows(self, authorization: str | None) -> bool:
        """Whether an Authorization header (Bearer, or Basic with the token as password) fits.

        Raises SecretError when the token cannot be read: then nobody gets in.
        """
        if self.token is None or authorization is None:
            return False
        given = _credential(authorization)
        return hmac.compare_digest(given.encode(), self.token.read().reveal().encode())


def _hostname(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def is_loopback(host: str) -> bool:
    """Say whether a listening address can be reached from this machine alone."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _credential(authorization: str) -> str:
    scheme, _, value = authorization.partition(" ")
    if scheme.lower() == "bearer":
        return value.strip()
    if scheme.lower() == "basic":
        try:
            text = base64.b64decode(value, validate=True).decode()
        except (binascii.Error, UnicodeDecodeError):
            return ""
        return text.partition(":")[2]
    return ""


def build_app(sources: Sources, access: Access, stylesheet: str) -> FastAPI:
    """Return the application."""
    app = FastAPI(title="Sonde", docs_url=None, redoc_url=None, openapi_url=None)
    _add_health(app, sources)
    app.router.routes.append(Route("/metrics", Scrapes(sources.metrics), methods=["GET", "HEAD"]))
    _add_page(app, sources, access, stylesheet)
    _add_probe(app, sources.probes, access)
    return app


def _add_health(app: FastAPI, sources: Sources) -> None:
    async def livez() -> PlainTextResponse:
        # Answering at all proves that the loop turns; nothing else may make a process restart.
        return PlainTextResponse("ok\n")

    async def readyz() -> JSONResponse:
        found = sources.readiness()
        checks = [{"name": c.name, "ok": c.ok, "detail": c.detail} for c in found.checks]
        body = {"ready": found.ready, "checks": checks}
        return JSONResponse(body, status_code=200 if found.ready else 503)

    app.add_api_route("/livez", livez, methods=["GET", "HEAD"])
    app.add_api_route("/health", livez, methods=["GET", "HEAD"])
    app.add_api_route("/readyz", readyz, methods=["GET", "HEAD"])


def _add_page(app: FastAPI, sources: Sources, access: Access, stylesheet: str) -> None:
    async def page(request: Request) -> Response:
        refusal = _refusal(access, request)
        return refusal or HTMLResponse(render_page(sources.status()), headers=PAGE_HEADERS)

    async def style() -> Response:
        return Response(stylesheet, media_type="text/css; charset=utf-8")

    app.add_api_route("/", page, methods=["GET"])
    app.add_api_route("/style.css", style, methods=["GET"])


def _add_probe(app: FastAPI, probes: Probes, access: Access) -> None:
    async def probe(request: Request) -> Response:
        return _refusal(access, request) or await probes.answer(request)

    app.add_api_route("/probe", probe, methods=["GET"])


def _refusal(access: Access, request: Request) -> Response | None:
    """Return the answer for somebody who may not come in, None for who may."""
    if access.open:
        if access.named(request.headers.get("host", "")):
            return None
        text = "Not by this name: ask localhost, or set public_url to what a proxy is called.\n"
        return PlainTextResponse(text, status_code=403)
    if access.token is None:
        text = "This is off: listening wider than loopback it needs http.token_file.\n"
        return PlainTextResponse(text, status_code=403)
    try:
        if access.allows(request.headers.get("authorization")):
            return None
    except SecretError as error:
        return PlainTextResponse(f"The page's token is unusable: {error}\n", status_code=503)
    challenge = {"WWW-Authenticate": 'Basic realm="Sonde", charset="UTF-8"'}
    return PlainTextResponse("A token is needed.\n", status_code=401, headers=challenge)
