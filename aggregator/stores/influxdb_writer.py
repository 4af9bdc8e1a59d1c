"""InfluxDB's write endpoint, through influxdb-client; everything of that library stays in here.

It makes the request, and hands the answer over unread: it would hold all of it in memory and print
it (`logging.debug`), and a server may say our token in it. Redirects are not followed: they would
take the token elsewhere. Proxies and credentials of the environment are not used. Of an answer only
the beginning is read, and never unpacked.

https://docs.influxdata.com/influxdb/v2/api/v2/#operation/PostWrite
"""

import asyncio
import os
import ssl
from typing import Any, Final

import aiohttp
from influxdb_client.client.influxdb_client_async import InfluxDBClientAsync
from influxdb_client.service.write_service import WriteService

from aggregator.stores.answers import (
    expired_points,
    meaning,
    outcome_of,
    retry_after_s,
    told_in,
)
from aggregator.stores.delivery import Destination, Outcome, WriteError
from probes.sanitise import sanitise
from probes.secret import SecretError, SecretSource
from probes.wire.trust import Papers, Trust, TrustError

WRITE_S: Final = 10.0
"""One write, the connection included. InfluxDB takes a batch in milliseconds; whoever needs longer
hangs, or is better left alone for a while."""
ANSWER_LIMIT_BYTES: Final = 16 * 1024
"""Read of an answer: a write has none unless it failed, and then a line."""


class InfluxdbWriter:
    """Writes to one bucket, over one connection that is opened by the first write."""

    def __init__(
        self, destination: Destination, token: SecretSource | None, papers: Papers | None = None
    ) -> None:
        self.date: str | None = None
        """The Date of the newest answer, as the server says it; None before one that has any."""
        self._destination = destination
        self._token = token
        self._version: tuple[int, int, int] | None = None
        self._secrets: tuple[str, ...] = ()
        # Made here, before the loop has work: reading the system's roots takes long.
        self._trust = Trust(papers or Papers()) if destination.url.startswith("https:") else None
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        # Any: the library's calls and answers have no types.
        self._client: Any = None
        self._service: Any = None

    async def _open(self) -> None:
        """Have a client that believes whom we believe now: another CA takes another client."""
        if self._trust is not None:
            try:
                tls = self._trust.now()
            except TrustError as error:
                raise WriteError(Outcome.UNREACHABLE, f"TLS: {error}") from None
            if tls is not self._tls:
                await self.close()
                self._tls = tls
        if self._client is not None:
            return
        self._client = InfluxDBClientAsync(
            self._destination.url,
            timeout=aiohttp.ClientTimeout(total=None),  # the deadline is ours
            allow_redirects=False,
            connection_pool_maxsize=1,
            ssl_context=self._tls,
            client_session_kwargs={"trust_env": False, "auto_decompress": False},
        )
        self._client.api_client.set_default_header("Accept-Encoding", "identity")
        service: Any = WriteService
        self._service = service(self._client.api_client)

    def renewed(self) -> bool:
        """Say whether the token's file has changed since the last write."""
        try:
            return self._token is not None and self._token.version() != self._version
        except SecretError:  # it is not there now; the write will say so
            return False

    async def write(self, body: bytes) -> int:
        """Write lines, compressed with gzip, once; return how many were too old to be kept.

        A token that is refused is read again, and if its file holds another by now, the write is
        repeated with that. Raises WriteError, within WRITE_S.
        """
        self._read_token(again=False)
        try:
            async with asyncio.timeout(WRITE_S):
                await self._open()
                try:
                    return await self._write(body)
                except WriteError as refusal:
                    if refusal.outcome is not Outcome.TOKEN or not self._read_token(again=True):
                        raise
                    return await self._write(body)
        except TimeoutError:
            raise WriteError(Outcome.TIMEOUT, f"no answer within {WRITE_S:g} s") from None

    async def _write(self, body: bytes) -> int:
        if self._secrets:
            header = ("Authorization", f"Token {self._secrets[0]}")
            self._client.api_client.set_default_header(*header)
        try:
            answer: aiohttp.ClientResponse = await self._service.post_write_async(
                org=self._destination.org,
                bucket=self._destination.bucket,
                body=body,
                precision="ns",
                content_encoding="gzip",
                _preload_content=False,
            )
            told = told_in(await _beginning(answer))
        except TimeoutError:  # an OSError, and the deadline's
            raise
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise WriteError(Outcome.UNREACHABLE, self._said(_reason(error))) from None
        return self._judged(answer, told)

    def _read_token(self, *, again: bool) -> bool:
        """Take the token that holds now; say whether it is another than before.

        Its file is read when it has changed, or `again` because its token was refused: some mounts
        show a new content late, or under the old times. Raises WriteError when it is unreadable.
        """
        if self._token is None:
            return False
        try:
            version = self._token.version()
            if self._secrets and version == self._version and not again:
                return False
            self._version, secrets = version, (self._token.read().reveal(),)
        except SecretError as error:
            raise WriteError(Outcome.TOKEN, str(error)) from None
        other, self._secrets = secrets != self._secrets, secrets
        return other

    def _judged(self, answer: aiohttp.ClientResponse, told: str) -> int:
        """Return how many points were too old to be kept. Raises WriteError."""
        self.date = answer.headers.get("Date")
        outcome = outcome_of(answer.status, told)
        if outcome is Outcome.STORED:
            return 0
        if outcome is Outcome.EXPIRED and (expired := expired_points(told)) is not None:
            return expired
        words = f"answered {answer.status}"
        if answer.status < 400:
            words += ", which is not InfluxDB's answer to a write: is the URL right?"
        elif told:
            words += f": {self._said(told)}"
        if (meant := meaning(told)) is not None:
            words += f" ({self._said(meant)})"
        raise WriteError(outcome, words, retry_after_s(answer.headers.get("Retry-After")))

    def _said(self, text: str) -> str:
        return sanitise(text, self._secrets)

    async def close(self) -> None:
        """Let go of connections."""
        client, self._client = self._client, None
        if client is not None:
            await client.close()


async def _beginning(answer: aiohttp.ClientResponse) -> bytes:
    """Return the beginning of an answer's body: what came of it, when it is cut short.

    The connection is kept only when that was all and came whole: only then is it fit for another
    write.
    """
    body = bytearray()
    whole = False
    try:
        while len(body) < ANSWER_LIMIT_BYTES and (
            piece := await answer.content.read(ANSWER_LIMIT_BYTES - len(body))
        ):
            body += piece
        whole = answer.content.at_eof()
    except (aiohttp.ClientError, OSError):
        pass  # The status came, and says what became of the write.
    finally:
        if whole:
            answer.release()
        else:
            answer.close()
    return bytes(body)


def _reason(error: Exception) -> str:
    """Return why a connection failed, without the library's own wrapping."""
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return _refused(error.certificate_error)
    if isinstance(error, aiohttp.ClientConnectorError):
        cause = error.os_error
        if isinstance(cause, ssl.SSLError):  # its errno counts TLS errors, not the system's
            return f"TLS: {(cause.reason or type(cause).__name__).replace('_', ' ').lower()}"
        code = cause.errno or 0  # resolvers have negative ones, and words of their own
        return os.strerror(code) if code > 0 else str(cause.strerror or cause)
    return f"{type(error).__name__}: {error}"


def _refused(error: Exception) -> str:
    """Return why we do not believe a certificate, and what is to be done about one of its own."""
    why = str(getattr(error, "verify_message", "") or error)
    told = f"its certificate is refused: {why}"
    if "self-signed" in why or "self signed" in why or "local issuer" in why:
        told += " (name the authority that issued it: ca_file)"
    return told
