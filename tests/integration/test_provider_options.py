"""What a provider's section says of its connection, seen from the server: TLS, headers, Azure."""

from collections.abc import Callable
from pathlib import Path

import pytest

from probes.result import Fault, Operation, Verdict
from probes.secret import Secret, SecretSource
from probes.target import Connection, Slot
from tests.integration.authority import Authority
from tests.integration.fault_server import ANSWER, DONE, Answering, event, serving
from tests.integration.probing import KEY, chat, probing
from tests.servers.aimock import Aimock
from tests.servers.nginx import TlsProxy

Fronting = Callable[..., TlsProxy]


async def answer(a: Answering) -> None:
    """Answer a chat request, streamed or not, as asked."""
    if not a.seen.json.get("stream"):
        await a.json(ANSWER)
        return
    await a.stream_head()
    await a.chunk(event("OK") + event(finish="stop") + DONE)
    await a.end()


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Make a root that no machine knows."""
    return Authority(tmp_path_factory.mktemp("authority"))


async def test_a_private_ca_is_believed_when_it_is_named(
    tls_front: Fronting, authority: Authority
) -> None:
    """Without ca_file the same server is refused, and the hint says what to do."""
    with serving(answer) as server:
        front = tls_front(server.port, pem=authority.issue("house").both)
        async with probing(f"{front.url}/v1", ca_file=authority.ca) as prober:
            named = await prober.probe(chat(), Slot(1, 60.0))
        async with probing(f"{front.url}/v1") as prober:
            unnamed = await prober.probe(chat(), Slot(1, 60.0))
    assert named.verdict is Verdict.OK, named.detail
    assert (unnamed.verdict, unnamed.fault) == (Verdict.TLS_ERROR, Fault.PROVIDER)
    assert "ca_file" in unnamed.hint


async def test_a_ca_file_replaces_the_systems_roots(
    tls_front: Fronting, authority: Authority, tmp_path: Path
) -> None:
    """Another root than the named one is not believed, whoever else would."""
    with serving(answer) as server:
        front = tls_front(server.port, pem=authority.issue("house").both)
        other = Authority(tmp_path, "Other Root")
        async with probing(f"{front.url}/v1", ca_file=other.ca) as prober:
            result = await prober.probe(chat(), Slot(1, 60.0))
        assert server.requests == []
    assert result.verdict is Verdict.TLS_ERROR


@pytest.mark.parametrize("parted", [False, True])
async def test_a_client_certificate_is_shown_when_it_is_asked_for(
    tls_front: Fronting, authority: Authority, *, parted: bool
) -> None:
    """In one file with its key, or in two; without it the server lets nobody in."""
    asking = f'ssl_verify_client on; ssl_client_certificate "{authority.ca}";'
    ours = authority.issue("sonde")
    papers: dict[str, object] = {"client_cert_file": ours.both}
    if parted:
        papers = {"client_cert_file": ours.certificate, "client_key_file": ours.key}
    with serving(answer) as server:
        front = tls_front(server.port, pem=authority.issue("house").both, more=asking)
        url = f"{front.url}/v1"
        async with probing(url, ca_file=authority.ca, **papers) as prober:
            shown = await prober.probe(chat(), Slot(1, 60.0))
        async with probing(url, ca_file=authority.ca) as prober:
            missing = await prober.probe(chat(), Slot(1, 60.0))
    assert shown.verdict is Verdict.OK, shown.detail
    assert missing.verdict is not Verdict.OK
    assert len(server.requests) == 1


async def test_a_renewed_certificate_is_shown_from_the_next_connection_on(
    tls_front: Fronting, authority: Authority, tmp_path: Path
) -> None:
    """Certificates live for days, the daemon for months; one that has gone is our own fault."""
    asking = f'ssl_verify_client on; ssl_client_certificate "{authority.ca}";'
    place = tmp_path / "client.pem"
    place.write_text(Authority(tmp_path, "Old Root").issue("sonde").both.read_text())
    target = chat(connection=Connection.FRESH)
    with serving(answer) as server:
        front = tls_front(server.port, pem=authority.issue("house").both, more=asking)
        papers = {"ca_file": authority.ca, "client_cert_file": place}
        async with probing(f"{front.url}/v1", **papers) as prober:
            old = await prober.probe(target, Slot(1, 60.0))
            place.write_text(authority.issue("sonde").both.read_text())
            renewed = await prober.probe(target, Slot(2, 120.0))
            place.unlink()
            gone = await prober.probe(target, Slot(3, 180.0))
    assert old.verdict is not Verdict.OK
    assert renewed.verdict is Verdict.OK, renewed.detail
    assert (gone.verdict, gone.fault) == (Verdict.MONITOR_ERROR, Fault.MONITOR)
    assert len(server.requests) == 1


async def test_papers_that_cannot_be_read_are_our_own_fault(tmp_path: Path) -> None:
    """The provider is not asked with less than was configured, and not blamed."""
    with serving(answer) as server:
        url = server.url.replace("http:", "https:")
        async with probing(url, ca_file=tmp_path / "gone.pem") as prober:
            result = await prober.probe(chat(), Slot(1, 60.0))
        assert server.accepted == 0
    assert (result.verdict, result.fault) == (Verdict.MONITOR_ERROR, Fault.MONITOR)
    assert "gone.pem: No such file" in result.detail


async def test_papers_do_not_matter_where_no_tls_is_spoken(tmp_path: Path) -> None:
    """As the check of the configuration says: they have no effect with http."""
    with serving(answer) as server:
        async with probing(server.url, ca_file=tmp_path / "gone.pem") as prober:
            result = await prober.probe(chat(), Slot(1, 60.0))
    assert result.verdict is Verdict.OK, result.detail


async def test_extra_headers_arrive_and_their_secrets_stay_hidden() -> None:
    """With every request; what a server echoes of one that came from a variable is masked."""
    secret = "gateway-token-4711"

    async def echo(a: Answering) -> None:
        await a.json({"error": {"message": f"no {a.seen.header('x-token')}"}}, status="400 Bad")

    headers = (
        ("X-Team", SecretSource(Secret("ml"))),
        ("X-Token", SecretSource(Secret(secret), variable="TOKEN")),
        ("User-Agent", SecretSource(Secret("sonde"))),
    )
    with serving(echo) as server:
        async with probing(server.url, headers=headers) as prober:
            result = await prober.probe(chat(), Slot(1, 60.0))
    (seen,) = server.requests
    assert (seen.header("x-team"), seen.header("x-token")) == ("ml", secret)
    assert [value for name, value in seen.headers if name.lower() == "user-agent"] == ["sonde"]
    assert result.detail == "HTTP 400: no ***"


async def no_usage(a: Answering) -> None:
    """Refuse to be asked for usage, as Mistral does."""
    if "stream_options" in a.seen.json:
        place = ["body", "stream_options", "include_usage"]
        detail = {"detail": [{"type": "extra_forbidden", "loc": place, "msg": "Not permitted"}]}
        error = {"object": "error", "message": detail, "type": "invalid_request_error"}
        await a.json(error, status="422 Unprocessable Entity")
        return
    await answer(a)


async def test_streams_go_without_usage_where_it_is_refused() -> None:
    """The refusal is a result with a hint; the key's next probe, of any target, goes without."""
    first, second = chat(stream=True), chat(stream=True, name="other", model="n")
    with serving(no_usage) as server:
        async with probing(server.url) as prober:
            refused = await prober.probe(first, Slot(1, 60.0))
            again = await prober.probe(first, Slot(2, 120.0))
            other = await prober.probe(second, Slot(1, 60.0))
    assert (refused.verdict, refused.fault) == (Verdict.INVALID_REQUEST, Fault.REQUEST)
    assert "include_usage" in refused.hint
    assert [each.verdict for each in (again, other)] == [Verdict.OK] * 2, again.detail
    assert [("stream_options" in each.json) for each in server.requests] == [True, False, False]


async def test_azure_is_asked_in_its_own_way(aimock: Aimock) -> None:
    """Deployment in the path, version in the query, the key in a header of its own: aimock answers.

    The SDK's own rule of which operations have a deployment is what is followed.
    """
    aimock.chat("my-gpt", text="ok")
    async with probing(aimock.url, preset="azure", api_version="2024-06-01") as prober:
        result = await prober.probe(chat(preset="azure", model="my-gpt"), Slot(1, 60.0))
    assert result.verdict is Verdict.OK, result.detail
    (entry,) = aimock.requests()
    assert "/openai/deployments/my-gpt/chat/completions" in str(entry["path"])


async def test_azure_as_the_server_sees_it() -> None:
    """Every operation has its version and its key; no bearer, whatever the environment says."""
    with serving(answer) as server:
        url = server.url.removesuffix("/v1")
        async with probing(url, preset="azure") as prober:
            await prober.probe(chat(preset="azure", model="my-gpt"), Slot(1, 60.0))
            embedding = chat(preset="azure", model="vec", operation=Operation.EMBEDDINGS, name="e")
            await prober.probe(embedding, Slot(1, 60.0))
    lines = [seen.line for seen in server.requests]
    version = "api-version=2024-10-21"
    assert lines == [
        f"POST /openai/deployments/my-gpt/chat/completions?{version} HTTP/1.1",
        f"POST /openai/deployments/vec/embeddings?{version} HTTP/1.1",
    ]
    assert [seen.header("api-key") for seen in server.requests] == [KEY] * 2
    assert [seen.header("authorization") for seen in server.requests] == [None] * 2
