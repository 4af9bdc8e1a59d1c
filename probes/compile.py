"""Requests as the openai SDK shapes them, captured once and sent many times.

Which path, headers and body an API call has is the SDK's knowledge, so the SDK makes the request:
its public `http_client` parameter takes a transport that keeps the finished request instead of
sending it. That takes about a millisecond, so a capture is used again until it was refused as
unauthorised, or the key's file has changed: no credential there is ages by itself.

A provider that refuses to be asked for the usage of streams is asked without, for a day: then
anew, as they learn.

The environment must not reshape a probe: what the SDK would take from OPENAI_BASE_URL,
OPENAI_ORG_ID, OPENAI_PROJECT_ID, OPENAI_CUSTOM_HEADERS or AZURE_OPENAI_AD_TOKEN is overruled here.
"""

import hashlib
import math
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Final

import httpx2
import openai

from probes.operation import OperationSpec
from probes.providers import PRESETS, Preset, Style
from probes.secret import Secret, SecretError
from probes.target import Connection, Provider, Target
from probes.wire.proxy import proxy_of
from probes.wire.request import Origin, address_of, head_of

KEY_LOOK_S: Final = 1.0
"""How often a key's file is looked at, however many targets use it: with thousands of them the
looks would cost more than the requests. A 401 has it looked at anew at once."""
USAGE_AGAIN_S: Final = 86_400.0
"""How long streams go without usage once it was refused. Each new try costs one failed probe."""
NONCE_CHARS: Final = 16
"""64 bits, as hexadecimal digits: no two probes of a year share one."""

_REPLACED: Final = frozenset(
    {
        "host",  # the wire's
        "content-length",  # the wire's, by the body it sends
        "accept-encoding",  # identity, so that bytes on the wire are bytes of the answer
        "connection",  # the wire decides what is kept
        "x-stainless-read-timeout",  # the SDK's own timeout, which does not apply
    }
)

_CANNED: Final = b"{}"


class CompileError(Exception):
    """A request could not be made ready: our own fault. The message holds no secret."""


@dataclass(frozen=True, slots=True)
class CompiledRequest:
    """A request ready to send, but for its nonce. Its headers hold the key, and do not show."""

    target: Target
    """Whom it was made for: this very value, so that to compare costs nothing."""
    origin: Origin
    fresh: bool
    prefix: bytes = field(repr=False)
    """Head and body up to the nonce, or all of it when it has none."""
    suffix: bytes
    nonced: bool
    prompt_chars: int
    hidden: tuple[str, ...] = field(repr=False)
    """The key first, then every other secret: not to be shown, whatever an answer echoes."""
    version: tuple[int, int, int] | None
    """Of the key's file."""

    def data(self, nonce: str) -> bytes:
        """Return all bytes of the request with this nonce; their number does not depend on it."""
        return self.prefix + nonce.encode("ascii") + self.suffix if self.nonced else self.prefix


def nonce_of(target: str, location: str, slot: int, attempt: int) -> str:
    """Derive the nonce of one attempt: the same for everybody, different for each."""
    parts = "\0".join((target, location, str(slot), str(attempt))).encode()
    return hashlib.blake2s(parts, digest_size=NONCE_CHARS // 2).hexdigest()


class Recorder(httpx2.AsyncBaseTransport):
    """Keeps the request it is given and answers with an empty object."""

    def __init__(self) -> None:
        self.request: httpx2.Request | None = None

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Take the request down."""
        await request.aread()
        self.request = request
        headers = {"content-type": "application/json"}
        return httpx2.Response(200, headers=headers, content=_CANNED, request=request)


class Compiler:
    """The requests of one provider key."""

    def __init__(self, provider: Provider) -> None:
        self._provider = provider
        self._ready: dict[str, CompiledRequest] = {}
        self._version: tuple[int, int, int] | None = None
        self._looked_at = -math.inf
        self._usage_again_at: float | None = None

    def ready(self, target: Target, now: float) -> CompiledRequest | None:
        """Return the target's request if one was captured that still holds, else None.

        `now` is on the monotonic clock. Raises SecretError when the key's file is gone.
        """
        if now - self._looked_at >= KEY_LOOK_S:
            self._look(now)
        found = self._ready.get(target.name)
        if found is None or found.target is not target or found.version != self._version:
            return None
        return found

    def _look(self, now: float) -> None:
        self._version = self._provider.api_key.version()
        self._looked_at = now
        if self._usage_again_at is not None and now >= self._usage_again_at:
            self._usage_again_at = None
            self._ready.clear()

    def refuses_usage(self, now: float) -> None:
        """Ask for no usage of streams from the next probe on: it was refused at `now`."""
        if self._usage_again_at is None:
            self._usage_again_at = now + USAGE_AGAIN_S
            self._ready.clear()

    async def capture(self, target: Target, spec: OperationSpec) -> CompiledRequest:
        """Have the SDK shape the target's request anew, and keep it while it holds.

        Raises SecretError when the key cannot be read or is not usable, CompileError when the SDK
        refuses to make the request.
        """
        self.forget(target)
        # The version first: a file that changes in between is then read once too often, not never.
        version = self._provider.api_key.version()
        secret = self._provider.api_key.read()
        usage_again_at = self._usage_again_at
        found = await self._capture(target, spec, secret, version)
        if usage_again_at == self._usage_again_at:  # else usage was refused meanwhile
            self._ready[target.name] = found
        return found

    def forget(self, target: Target) -> None:
        """Capture the target's request anew next time (its credentials were refused)."""
        self._ready.pop(target.name, None)
        self._looked_at = -math.inf

    async def _capture(
        self,
        target: Target,
        spec: OperationSpec,
        secret: Secret,
        version: tuple[int, int, int] | None,
    ) -> CompiledRequest:
        # The place of the nonce is marked with a text that nothing else in the body can hold.
        marker = nonce_of(target.name, target.prompt, -1, 0) if spec.nonce else ""
        prompt = f"{marker} {target.prompt}" if spec.nonce else target.prompt
        headers = {name: source.read().reveal() for name, source in self._provider.headers}
        request = await self._shape(target, spec, secret, headers, prompt)
        body, suffix = request.content, b""
        if spec.nonce:
            body, found, suffix = request.content.partition(marker.encode("ascii"))
            if not found or marker.encode("ascii") in suffix:
                raise CompileError("the nonce has no unique place in the request")
        fresh = target.connection is Connection.FRESH
        origin, head = _head(request, fresh=fresh)
        return CompiledRequest(
            target=target,
            origin=origin,
            fresh=fresh,
            prefix=head + body,
            suffix=suffix,
            nonced=spec.nonce,
            prompt_chars=len(prompt),
            hidden=(secret.reveal(), *_hidden(self._provider)),
            version=version,
        )

    async def _shape(
        self,
        target: Target,
        spec: OperationSpec,
        secret: Secret,
        headers: Mapping[str, str],
        prompt: str,
    ) -> httpx2.Request:
        recorder = Recorder()
        preset = _preset(self._provider)
        if self._usage_again_at is not None:
            preset = replace(preset, include_usage=False)
        async with httpx2.AsyncClient(transport=recorder, trust_env=False) as http_client:
            client = _client(self._provider, preset, secret, http_client)
            client._custom_headers = headers  # noqa: SLF001 - see there
            try:
                await spec.ask(client, target, preset, prompt)
            except (openai.OpenAIError, TypeError, ValueError, httpx2.InvalidURL) as error:
                # Its text may hold header values.
                raise CompileError(f"the SDK made no request: {type(error).__name__}") from None
        if recorder.request is None:
            raise CompileError("the SDK made no request")
        return recorder.request


def _client(
    provider: Provider, preset: Preset, secret: Secret, http_client: httpx2.AsyncClient
) -> openai.AsyncOpenAI:
    client = _new_client(provider, preset, secret, http_client)
    # What the constructor took from the environment. For custom headers, which the caller sets, the
    # SDK has no public way; pinned by a test.
    client.organization = provider.organization
    client.project = None
    client.admin_api_key = None
    return client


def _new_client(
    provider: Provider, preset: Preset, secret: Secret, http_client: httpx2.AsyncClient
) -> openai.AsyncOpenAI:
    if preset.style is not Style.AZURE:
        return openai.AsyncOpenAI(
            api_key=secret.reveal(),
            base_url=provider.base_url,
            max_retries=0,
            http_client=http_client,
        )
    azure = openai.AsyncAzureOpenAI(
        api_key=secret.reveal(),
        azure_endpoint=provider.base_url,
        api_version=provider.api_version or preset.api_version,
        max_retries=0,
        http_client=http_client,
    )
    azure._azure_ad_token = None  # noqa: SLF001 - of the environment too, and it comes before a key
    return azure


def _hidden(provider: Provider) -> tuple[str, ...]:
    """Return the secrets beside the key: those of headers, and what a proxy is told."""
    values = tuple(source.read().reveal() for _, source in provider.headers if source.is_hidden)
    if provider.proxy is not None:
        with suppress(SecretError):  # told by the connection, which needs it
            return (*values, *proxy_of(provider.proxy).hidden)
    return values


def _preset(provider: Provider) -> Preset:
    preset = PRESETS.get(provider.preset)
    if preset is None:
        raise CompileError(f"no preset is called {provider.preset!r}")
    return preset


def _head(request: httpx2.Request, *, fresh: bool) -> tuple[Origin, bytes]:
    kept = [(name, value) for name, value in request.headers.multi_items() if name not in _REPLACED]
    kept.append(("accept-encoding", "identity"))
    try:
        origin, host, target = address_of(str(request.url))
        body_bytes = len(request.content)
        head = head_of(request.method, host, target, kept, body_bytes=body_bytes, fresh=fresh)
    except ValueError as error:
        raise CompileError(str(error)) from None
    return origin, head
