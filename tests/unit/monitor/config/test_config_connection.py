"""How a provider is reached: proxy, TLS files, headers, Azure's address."""

from pathlib import Path

import pytest

from monitor.config.load import Loaded
from probes.secret import SecretSource
from probes.target import Provider
from tests.integration.authority import Authority
from tests.unit.monitor.config.configtexts import load_text, refusal

ENVIRON = {
    "PROXY": "http://user:pass-4711@proxy.internal:3128",
    "TOKEN": "token-4711",
    "ODD": "a\nb",
    "BAD_PROXY": "socks5://user:pass-4711@x",
}


def _text(body: str, model: str = "m") -> str:
    return f"""
    providers: {{p: {{api_key: '${{KEY}}', {body}}}}}
    targets: [{{name: t, provider: p, model: {model}}}]
    """


def _loaded(folder: Path, body: str, *, strict: bool = True) -> Loaded:
    return load_text(folder, _text(body), strict=strict, environ=ENVIRON)


def _provider(folder: Path, body: str) -> Provider:
    (provider,) = _loaded(folder, body).config.providers
    return provider


OPENAI = "preset: openai"
AZURE = "preset: azure, endpoint: 'https://x.example/'"


def test_azure_has_an_endpoint_and_a_version(tmp_path: Path) -> None:
    """The version has a default of the preset's, which is not written into the value."""
    usual = _provider(tmp_path, AZURE)
    newer = _provider(tmp_path, f"{AZURE}, api_version: 2025-04-01-preview")
    assert (usual.base_url, usual.api_version) == ("https://x.example", None)
    assert newer.api_version == "2025-04-01-preview"


def test_a_proxy_is_written_out_without_credentials_only(tmp_path: Path) -> None:
    """Its address is no secret: with user and password it comes from a variable or a file."""
    (tmp_path / "proxy").write_text("http://u:p@h:1")
    written = _provider(tmp_path, f"{OPENAI}, proxy: 'http://proxy.internal:3128'")
    variable = _provider(tmp_path, f"{OPENAI}, proxy: '${{PROXY}}'")
    file = _provider(tmp_path, f"{OPENAI}, proxy_file: proxy")
    assert written.proxy is not None
    assert written.proxy.read().reveal() == "http://proxy.internal:3128"
    assert written.secret_sources == (written.api_key,)
    assert variable.proxy is not None
    assert variable.proxy.variable == "PROXY"
    assert variable.secret_sources == (variable.api_key, variable.proxy)
    assert file.proxy == SecretSource(path=tmp_path / "proxy")


def test_headers_may_hold_secrets(tmp_path: Path) -> None:
    """Those of variables are to be masked; words that stand in the file are not."""
    provider = _provider(tmp_path, f"{OPENAI}, headers: {{X-Team: ml, X-Token: '${{TOKEN}}'}}")
    assert [(name, source.read().reveal()) for name, source in provider.headers] == [
        ("X-Team", "ml"),
        ("X-Token", "token-4711"),
    ]
    assert [source.variable for source in provider.secret_sources] == ["KEY", "TOKEN"]


def test_papers_are_found_beside_the_configuration(tmp_path: Path) -> None:
    """They are read when the configuration is, so that what is wrong is told at once."""
    authority = Authority(tmp_path, "root")
    authority.issue("us")
    said = "ca_file: root.pem, client_cert_file: us.crt, client_key_file: us.key"
    provider = _provider(tmp_path, f"{OPENAI}, {said}")
    assert provider.ca_file == tmp_path / "root.pem"
    assert provider.client_cert_file == tmp_path / "us.crt"
    assert provider.client_key_file == tmp_path / "us.key"


def test_papers_for_http_are_without_effect(tmp_path: Path) -> None:
    """Told, as is every key that does nothing."""
    Authority(tmp_path, "root")
    body = "preset: compatible, base_url: 'http://h:1/v1', ca_file: root.pem"
    (warning,) = [each for each in _loaded(tmp_path, body).warnings if "ca_file" in each.path]
    assert "no effect" in warning.message


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (f"{OPENAI}, endpoint: 'https://x'", "endpoint: has an effect only with preset: azure"),
        (f"{OPENAI}, api_version: v1", "api_version: has an effect only with preset: azure"),
        (f"{AZURE}, base_url: 'https://x'", "base_url: the preset azure takes an endpoint"),
        ("preset: azure", "endpoint: missing: the preset azure has no endpoint of its own"),
        (f"{OPENAI}, proxy: 'http://u:pass-4711@h:1'", "proxy: a user name and password are not"),
        (f"{OPENAI}, proxy: 'https://h:1'", "proxy: not a proxy's address such as http://"),
        (f"{OPENAI}, proxy: '${{BAD_PROXY}}'", "proxy: not a proxy's address such as http://"),
        (f"{OPENAI}, proxy: '${{PROXY}}', proxy_file: x", "proxy: give proxy or proxy_file, not"),
        (f"{OPENAI}, proxy_file: gone", "proxy_file: cannot read "),
        (f"{OPENAI}, ca_file: gone", "ca_file: cannot read "),
        (f"{OPENAI}, ca_file: text", "ca_file: "),
        (f"{OPENAI}, client_cert_file: text", "client_cert_file: "),
        (f"{OPENAI}, client_key_file: x", "client_key_file: has an effect only with client_cert"),
        (f"{OPENAI}, headers: {{Host: x}}", "headers.Host: this header is the connection's own"),
        (f"{OPENAI}, headers: {{Proxy-X: x}}", "headers.Proxy-X: this header is the connection's"),
        (f"{OPENAI}, headers: {{TE: x}}", "headers.TE: this header is the connection's own"),
        (f"{OPENAI}, headers: {{Authorization: x}}", "headers.Authorization: the key has this"),
        (f"{OPENAI}, headers: {{Api-Key: x}}", "headers.Api-Key: the key has this header"),
        (f"{OPENAI}, headers: {{'X y': x}}", "headers.X y: not a header's name"),
        (f"{OPENAI}, headers: {{X-A: x, x-a: y}}", "headers.x-a: the same header twice"),
        (f"{OPENAI}, headers: {{X-A: '${{ODD}}'}}", "headers.X-A: the value holds characters"),
        (f"{OPENAI}, headers: {{X-A: 4711}}", "headers.X-A: "),
        (f"{OPENAI}, headers: {{X-Gateway-Token: t-4711}}", "headers.X-Gateway-Token: a secret is"),
        (f"{OPENAI}, headers: {{Cookie: 'a=4711'}}", "headers.Cookie: a secret is not written"),
    ],
)
def test_what_cannot_work_is_refused(tmp_path: Path, body: str, problem: str) -> None:
    """One clear line each, and no secret in it."""
    (tmp_path / "text").write_text("no certificate")
    told = refusal(tmp_path, _text(body), environ=ENVIRON)
    assert told.split(" ", 1)[1].startswith(f"providers.p.{problem}")
    assert "4711" not in told


def test_papers_that_cannot_be_read_cost_their_own_provider_only(tmp_path: Path) -> None:
    """At run time: the daemon starts, and says so."""
    loaded = _loaded(tmp_path, f"{OPENAI}, ca_file: gone", strict=False)
    assert [provider.ca_file for provider in loaded.config.providers] == [tmp_path / "gone"]
    assert any("gone" in str(warning) for warning in loaded.warnings)


@pytest.mark.parametrize(("preset", "tokens"), [("openai", 16), ("groq", 4)])
def test_too_few_tokens_are_raised_and_that_is_told(
    tmp_path: Path, preset: str, tokens: int
) -> None:
    """Where some models refuse less; once for all models of a target."""
    text = f"""
    defaults: {{max_output_tokens: 4}}
    providers: {{p: {{preset: {preset}, api_key: '${{KEY}}'}}}}
    targets: [{{name: 't-{{model}}', provider: p, models: [a, b]}}]
    """
    loaded = load_text(tmp_path, text)
    assert [target.max_output_tokens for target in loaded.config.targets] == [tokens] * 2
    told = [each for each in loaded.warnings if "raised to 16" in each.message]
    assert len(told) == (1 if tokens == 16 else 0)
