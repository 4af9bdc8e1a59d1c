"""`store.influxdb`, from a file and from variables."""

from pathlib import Path

import pytest

from aggregator.stores.delivery import Destination
from monitor.config.errors import ConfigError
from monitor.config.load import Loaded, load
from probes.wire.trust import Papers
from tests.integration.authority import Authority

FRAME = """\
providers: {p: {preset: compatible, base_url: "http://127.0.0.1:1/v1"}}
targets: [{name: a, provider: p, model: m}]
notify: {channels: {c: {type: slack, webhook_url: "${HOOK}"}}}
store: {influxdb: @@}
"""
SHOWN = (
    '{url: "${INFLUXDB_URL:-}", token: "${INFLUXDB_TOKEN:-}", org: "${INFLUXDB_ORG:-}",'
    ' bucket: "${INFLUXDB_BUCKET:-}"}'
)
NAMED = {
    "INFLUXDB_URL": "https://influx.example:8086/",
    "INFLUXDB_TOKEN": "a-token-of-ours",
    "INFLUXDB_ORG": "o",
    "INFLUXDB_BUCKET": "b",
}
ENVIRON = {"HOOK": "https://hooks.slack.com/services/x", "OPENAI_API_KEY": "sk-1"}


def from_file(folder: Path, section: str, **environ: str) -> Loaded:
    """Load a file with this section."""
    (folder / "c.yaml").write_text(FRAME.replace("@@", section))
    return load(Path("c.yaml"), {**ENVIRON, **environ}, cwd=folder, strict=True)


def from_variables(folder: Path, **environ: str) -> Loaded:
    """Load variables alone."""
    return load(None, {"OPENAI_API_KEY": "sk-1", **environ}, cwd=folder, strict=True)


def test_a_section_of_a_file(tmp_path: Path) -> None:
    """Address, organisation and bucket make the destination; the token comes from its variable."""
    loaded = from_file(tmp_path, SHOWN, **NAMED)
    found = loaded.config.store.influxdb
    assert found is not None
    assert found.destination == Destination("https://influx.example:8086", "o", "b")
    assert found.token is not None
    assert found.token.variable == "INFLUXDB_TOKEN"
    assert found.token.read().reveal() == "a-token-of-ours"
    assert loaded.warnings == ()


def test_variables_alone(tmp_path: Path) -> None:
    """Without a file the four variables say the same."""
    with_file = from_file(tmp_path, SHOWN, **NAMED).config.store.influxdb
    assert from_variables(tmp_path, **NAMED).config.store.influxdb == with_file


@pytest.mark.parametrize("section", ["", "{url: '${INFLUXDB_URL:-}', bucket: b}", SHOWN])
def test_without_an_address_there_is_none(tmp_path: Path, section: str) -> None:
    """No section, an empty one and one whose variable is empty: results stay in the ledger."""
    assert from_file(tmp_path, section).config.store.influxdb is None


def test_version_one_has_neither_organisation_nor_token(tmp_path: Path) -> None:
    """Both may be left out."""
    found = from_file(tmp_path, "{url: http://influx:8086, bucket: b}").config.store.influxdb
    assert found is not None
    assert (found.destination.org, found.token) == ("", None)


def test_a_path_of_a_proxy_is_a_path(tmp_path: Path) -> None:
    """Only that of the API itself is refused."""
    section = "{url: https://x.example/metrics/api-influx, bucket: b}"
    found = from_file(tmp_path, section).config.store.influxdb
    assert found is not None
    assert found.destination.url == "https://x.example/metrics/api-influx"


def test_variables_name_a_token_file(tmp_path: Path) -> None:
    """INFLUXDB_TOKEN_FILE, as every file of a secret from the working directory."""
    (tmp_path / "t").write_text("a-token-of-ours\n")
    named = {name: value for name, value in NAMED.items() if name != "INFLUXDB_TOKEN"}
    found = from_variables(tmp_path, **named, INFLUXDB_TOKEN_FILE="t").config.store.influxdb
    assert found is not None
    assert found.token is not None
    assert found.token.read().reveal() == "a-token-of-ours"


def test_an_empty_address_among_variables_is_none(tmp_path: Path) -> None:
    """One set of variables serves with and without InfluxDB, as one file does."""
    assert from_variables(tmp_path, **{**NAMED, "INFLUXDB_URL": ""}).config.store.influxdb is None


def test_a_token_file_is_read_from_beside_the_configuration(tmp_path: Path) -> None:
    """As every secret's file."""
    (tmp_path / "t").write_text("a-token-of-ours\n")
    section = "{url: https://influx.example, bucket: b, token_file: t}"
    found = from_file(tmp_path, section).config.store.influxdb
    assert found is not None
    assert found.token is not None
    assert found.token.read().reveal() == "a-token-of-ours"


def test_files_of_tls(tmp_path: Path) -> None:
    """An authority and a certificate of our own, from beside the configuration, looked at now."""
    authority = Authority(tmp_path)
    ours = authority.issue("ours")
    section = (
        f"{{url: https://x.example, bucket: b, ca_file: '{authority.ca.name}',"
        f" client_cert_file: {ours.certificate.name}, client_key_file: {ours.key.name}}}"
    )
    found = from_file(tmp_path, section).config.store.influxdb
    assert found is not None
    assert found.papers == Papers(authority.ca, ours.certificate, ours.key)
    named = {**NAMED, "INFLUXDB_CA_FILE": authority.ca.name}
    found = from_variables(tmp_path, **named).config.store.influxdb
    assert found is not None
    assert found.papers == Papers(authority.ca)


def test_a_file_of_tls_that_is_none_is_told(tmp_path: Path) -> None:
    """Before the first write, and with the file's name."""
    (tmp_path / "ca.pem").write_text("nothing of the kind")
    with pytest.raises(ConfigError, match=r"influxdb.ca_file.* holds no certificate in PEM"):
        from_file(tmp_path, "{url: https://x.example, bucket: b, ca_file: ca.pem}")


@pytest.mark.parametrize(
    ("url", "warned"),
    [
        ("http://influx.example:8086", True),
        ("http://127.0.0.1:8086", False),
        ("https://x.example", False),
    ],
)
def test_a_token_in_clear_text_is_warned_of(tmp_path: Path, url: str, warned: bool) -> None:
    """A token leaves this machine encrypted, or somebody is told."""
    loaded = from_file(tmp_path, SHOWN, **{**NAMED, "INFLUXDB_URL": url})
    told = "http sends the token in clear text; use https"
    assert [warning.message for warning in loaded.warnings] == ([told] if warned else [])


@pytest.mark.parametrize(
    ("section", "problems"),
    [
        (
            "{}",
            [
                "store.influxdb.url: missing: where it is, without a path of its API",
                "store.influxdb.bucket: missing: the bucket; in 1.x the database",
            ],
        ),
        (
            "{url: https://x.example}",
            ["store.influxdb.bucket: missing: the bucket; in 1.x the database"],
        ),
        (
            "{url: https://x.example, bucket: b, token: hunter2}",
            [
                "store.influxdb.token: a secret is not written into the file: put it in a file of"
                " its own and name that, or in a variable as ${NAME}"
            ],
        ),
        (
            "{url: 'https://u:hunter2@x.example', bucket: b}",
            ["store.influxdb.url: expected a URL without a user name or password in it"],
        ),
        *(
            (
                f"{{url: https://x.example{path}, bucket: b}}",
                [
                    "store.influxdb.url: names a path of InfluxDB's API:"
                    " end it before /api, /write or /query"
                ],
            )
            for path in ("/api/v2", "/api/v2/write", "/proxied/api/v2/", "/api", "/write", "/query")
        ),
        (
            "{url: https://x.example, bucket: b, tokn: t}",
            [
                "store.influxdb.tokn: unknown key (did you mean token?);"
                " allowed: url, token, token_file, org, bucket, ca_file, client_cert_file,"
                " client_key_file"
            ],
        ),
    ],
)
def test_mistakes_are_told_one_line_each(tmp_path: Path, section: str, problems: list[str]) -> None:
    """With the place in the file, the way to mend it, and no secret."""
    with pytest.raises(ConfigError) as caught:
        from_file(tmp_path, section)
    told = [str(problem).partition(" ")[2] for problem in caught.value.problems]
    assert told == problems
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("environ", "problems"),
    [
        (
            {"INFLUXDB_URL": "https://x.example"},
            ["environment INFLUXDB_BUCKET: missing: the bucket; in 1.x the database"],
        ),
        (
            {"INFLUXDB_TOKEN": "hunter2"},
            [
                "environment INFLUXDB_URL: missing: where it is, without a path of its API",
                "environment INFLUXDB_BUCKET: missing: the bucket; in 1.x the database",
            ],
        ),
    ],
)
def test_variables_that_do_not_suffice(
    tmp_path: Path, environ: dict[str, str], problems: list[str]
) -> None:
    """What is missing is named by its variable."""
    with pytest.raises(ConfigError) as caught:
        from_variables(tmp_path, **environ)
    assert [str(problem) for problem in caught.value.problems] == problems
