"""The daemon's own port: whether it is free, or one of ours answers there and is well."""

import asyncio
import errno
import json
import socket
from typing import Final

import httpx2

from monitor.config.values import Http
from monitor.doctor.finding import Finding, Level
from probes.sanitise import sanitise

ANSWER_S: Final = 3.0
ANSWER_BYTES: Final = 64 * 1024
_EVERYWHERE: Final = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - read, not bound


async def daemon(http: Http) -> Finding:
    """Ask whoever listens on our port how it is; say what is in the way when nobody does."""
    host = _EVERYWHERE.get(http.host, http.host)
    where = f"[{host}]:{http.port}" if ":" in host else f"{host}:{http.port}"
    try:
        status, body = await _asked(f"http://{where}/readyz")
    except httpx2.ConnectError:
        return _free(http, where)
    except (TimeoutError, httpx2.TimeoutException):
        return _strange(where, f"no answer within {ANSWER_S:g} s")
    except httpx2.HTTPError as error:
        return _strange(where, type(error).__name__)
    try:
        said = json.loads(body)
        ready = said["ready"]
        amiss = [f"{each['name']}: {each['detail']}" for each in said["checks"] if not each["ok"]]
    except (ValueError, KeyError, TypeError):
        return _strange(where, f"HTTP {status}")
    if ready:
        return Finding("daemon", Level.OK, f"runs on {where}, and is ready")
    return Finding(
        "daemon",
        Level.FAIL,
        f"runs on {where}, and is not ready: {sanitise('; '.join(amiss))}",
        "its log says since when; `/readyz` says what it waits for",
    )


async def _asked(url: str) -> tuple[int, bytes]:
    """Return the status and the beginning of the answer of whoever it is: it may have no end."""
    body = bytearray()
    async with (
        asyncio.timeout(ANSWER_S),
        httpx2.AsyncClient(trust_env=False, timeout=ANSWER_S) as client,
        client.stream("GET", url, headers={"Accept-Encoding": "identity"}) as answer,
    ):
        async for chunk in answer.aiter_raw():
            body += chunk
            if len(body) > ANSWER_BYTES:
                break
        return answer.status_code, bytes(body)


def _strange(where: str, what: str) -> Finding:
    return Finding(
        "daemon",
        Level.FAIL,
        f"{where}: something else listens there ({what})",
        "say another http.listen, or end what is there",
    )


def _free(http: Http, where: str) -> Finding:
    """Say whether the port could be had; nothing listens on it now."""
    family = socket.AF_INET6 if ":" in http.host else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_STREAM) as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            trial.bind((http.host, http.port))
    except OSError as error:
        remedy = "say another http.listen"
        if error.errno == errno.EACCES:
            remedy += ": a port from 1024 on needs no privilege"
        return Finding("daemon", Level.FAIL, f"{where}: {error.strerror}", remedy)
    return Finding("daemon", Level.OK, f"does not run; {where} is free")
