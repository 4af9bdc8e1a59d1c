"""The section about OpenTelemetry."""

from pathlib import Path

import pytest

from monitor.config.load import Loaded, load
from monitor.known_secrets import known_secrets
from monitor.otlp.temporality import Temporality
from tests.unit.monitor.config.configtexts import SMALL, load_text, refusal

COLLECTOR = "http://127.0.0.1:4318"


def odd(loaded: Loaded) -> list[str]:
    """Return what is warned of about this section."""
    return [str(each) for each in loaded.warnings if each.path.startswith("otlp")]


def otlp(inside: str) -> str:
    return f"{SMALL}otlp: {{{inside}}}\n"


def test_nothing_is_told_unless_somebody_says_where(tmp_path: Path) -> None:
    """No section, or an endpoint whose variable is empty."""
    assert load_text(tmp_path, SMALL).config.otlp is None
    empty = load_text(tmp_path, otlp('endpoint: "${NOBODY:-}", headers: {api-key: "${KEY}"}'))
    assert (empty.config.otlp, odd(empty)) == (None, [])


def test_an_endpoint_is_enough(tmp_path: Path) -> None:
    """Both signals, every ten seconds, cumulative."""
    loaded = load_text(tmp_path, otlp(f'endpoint: "{COLLECTOR}/"'))
    found = loaded.config.otlp
    assert found is not None
    assert (found.endpoint, found.headers) == (COLLECTOR, ())
    assert (found.traces, found.metrics, found.every_s) == (True, True, 10.0)
    assert found.temporality is Temporality.CUMULATIVE
    assert odd(loaded) == []


def test_everything_can_be_said(tmp_path: Path) -> None:
    """Headers from variables and from files, one signal, another beat, deltas."""
    (tmp_path / "key").write_text("file-key-0123456789")
    text = otlp(
        f'endpoint: "{COLLECTOR}", traces: false, every: 30s, temporality: delta,'
        ' headers: {authorization: "${KEY}", x-scope: eu}, header_files: {api-key: key}'
    )
    config = load_text(tmp_path, text).config
    assert config.otlp is not None
    assert (config.otlp.traces, config.otlp.every_s) == (False, 30.0)
    assert config.otlp.temporality is Temporality.DELTA
    told = {name: source.read().reveal() for name, source in config.otlp.headers}
    assert told == {
        "authorization": "sk-0123456789",
        "x-scope": "eu",
        "api-key": "file-key-0123456789",
    }
    masked = known_secrets(config)()
    assert {"sk-0123456789", "file-key-0123456789"} <= set(masked)
    assert "eu" not in masked


@pytest.mark.parametrize(
    ("inside", "told"),
    [
        ("traces: true", "otlp.endpoint: missing: where it is"),
        ("endpoint: 'http://c:4318/v1/traces'", "otlp.endpoint: names the path of one signal"),
        ("endpoint: 'c:4318'", "otlp.endpoint: expected a URL"),
        (f"endpoint: '{COLLECTOR}', traces: false, metrics: false", "otlp.metrics: neither"),
        (
            f"endpoint: '{COLLECTOR}', temporality: both",
            "expected cumulative or delta",
        ),
        (f"endpoint: '{COLLECTOR}', every: 10ms", "otlp.every: expected a duration from 1s to 10m"),
        (
            f"endpoint: '{COLLECTOR}', headers: {{api-key: written-out}}",
            "otlp.headers.api-key: a secret is not written into the file",
        ),
        (
            f"endpoint: '{COLLECTOR}', headers: {{content-type: x}}",
            "otlp.headers.content-type: this header is the connection's own",
        ),
        (
            f"endpoint: '{COLLECTOR}', headers: {{X-A: a}}, header_files: {{x-a: f}}",
            "otlp.header_files.x-a: the same header twice",
        ),
        (
            f"endpoint: '{COLLECTOR}', header_files: {{x-a: nowhere}}",
            "otlp.header_files.x-a: cannot read",
        ),
    ],
)
def test_mistakes_are_told(tmp_path: Path, inside: str, told: str) -> None:
    """Each at its place, with what it should be."""
    assert told in refusal(tmp_path, otlp(inside))


@pytest.mark.parametrize(
    ("inside", "told"),
    [
        ('endpoint: "http://c:4317"', "4317 is usually gRPC's port"),
        (
            'endpoint: "http://c.example:4318", headers: {api-key: "${KEY}"}',
            "http sends the headers in clear text",
        ),
        (f'endpoint: "{COLLECTOR}", ca_file: ca.pem', "has no effect: the address is an http one"),
    ],
)
def test_oddities_are_warned_of(tmp_path: Path, inside: str, told: str) -> None:
    """They may be meant."""
    assert told in odd(load_text(tmp_path, otlp(inside), strict=False))[0]


def test_the_environment_alone_says_it_as_other_programs_have_it(tmp_path: Path) -> None:
    """OTEL_EXPORTER_OTLP_ENDPOINT and _HEADERS, as OpenTelemetry's own libraries read them."""
    environ = {
        "OPENAI_API_KEY": "sk-0123456789",
        "OTEL_EXPORTER_OTLP_ENDPOINT": COLLECTOR,
        "OTEL_EXPORTER_OTLP_HEADERS": "api-key=abc%3D0123456789, x-scope=eu",
    }
    found = load(None, environ, cwd=tmp_path, strict=True).config.otlp
    assert found is not None
    told = {name: source.read().reveal() for name, source in found.headers}
    assert told == {"api-key": "abc=0123456789", "x-scope": "eu"}


def test_headers_of_the_environment_have_names(tmp_path: Path) -> None:
    """The variable is named, and its value is not repeated."""
    environ = {
        "OPENAI_API_KEY": "sk-0123456789",
        "OTEL_EXPORTER_OTLP_ENDPOINT": COLLECTOR,
        "OTEL_EXPORTER_OTLP_HEADERS": "a-secret-of-somebody",
    }
    with pytest.raises(Exception, match="OTEL_EXPORTER_OTLP_HEADERS") as caught:
        load(None, environ, cwd=tmp_path, strict=True)
    assert "a-secret" not in str(caught.value)
