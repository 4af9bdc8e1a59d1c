"""Names in paths: a target may be called `openai/gpt-4o`, or `a/series`."""

from urllib.parse import unquote

from starlette.types import ASGIApp, Receive, Scope, Send


class AsSent:
    """Has routes match the path as it was sent, so that `%2F` in a name separates nothing.

    Parameters are then still quoted: see `named`.
    https://asgi.readthedocs.io/en/latest/specs/www.html#http-connection-scope
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        raw: bytes | None = scope.get("raw_path")
        if scope["type"] == "http" and raw is not None:
            scope = {**scope, "path": raw.decode("latin-1")}
        await self._app(scope, receive, send)


def named(parameter: str) -> str:
    """Return the name that a parameter of the path is; no target's holds a `%`."""
    return unquote(parameter)
