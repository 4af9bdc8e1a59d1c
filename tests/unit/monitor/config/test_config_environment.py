"""A configuration from variables alone, and `.env`."""

from pathlib import Path

import pytest

from monitor.config.errors import ConfigError
from monitor.config.load import Loaded, find_config, load
from monitor.config.values import Channel, SlackBot, SlackWebhook, Webhook
from probes.result import Operation


def from_environment(folder: Path, *, strict: bool = True, **environ: str) -> Loaded:
    """Load these variables alone."""
    return load(None, environ, cwd=folder, strict=strict)


def complaints(folder: Path, **environ: str) -> list[str]:
    """Return what is wrong with these variables."""
    with pytest.raises(ConfigError) as caught:
        load(None, environ, cwd=folder, strict=True)
    return [str(problem) for problem in caught.value.problems]


def test_an_openai_key_alone(tmp_path: Path) -> None:
    """One variable is a working configuration: both ways of answering, and embeddings."""
    config = from_environment(tmp_path, OPENAI_API_KEY="sk-123").config
    assert config.source == "environment"
    assert [(t.model, t.operation, t.stream) for t in config.targets] == [
        ("gpt-4o-mini", Operation.CHAT, True),
        ("gpt-4o", Operation.CHAT, False),
        ("text-embedding-3-small", Operation.EMBEDDINGS, False),
        ("text-embedding-3-large", Operation.EMBEDDINGS, False),
    ]
    (provider,) = config.providers
    assert (provider.preset, provider.organization) == ("openai", None)
    assert provider.api_key.variable == "OPENAI_API_KEY"


def test_openais_other_variables(tmp_path: Path) -> None:
    """Organisation and base URL are the ones the SDK reads; the preset stays."""
    (provider,) = from_environment(
        tmp_path,
        OPENAI_API_KEY="any",
        OPENAI_ORG_ID="org-1",
        OPENAI_BASE_URL="http://127.0.0.1:9/v1",
    ).config.providers
    assert (provider.preset, provider.organization) == ("openai", "org-1")
    assert provider.base_url == "http://127.0.0.1:9/v1"


def test_an_xai_key_alone(tmp_path: Path) -> None:
    """Grok gets its tokens and its time."""
    (target,) = from_environment(tmp_path, XAI_API_KEY="xai-123").config.targets
    assert (target.model, target.max_output_tokens) == ("grok-4.3", 500)
    assert (target.interval_s, target.deadline_s) == (120.0, 90.0)


@pytest.mark.parametrize(
    ("timeout", "openai", "xai"),
    [
        ("20", (60.0, 20.0), (120.0, 20.0)),
        ("45s", (60.0, 45.0), (120.0, 45.0)),
        ("90", (90.0, 90.0), (120.0, 90.0)),
        ("2m30s", (150.0, 150.0), (150.0, 150.0)),
    ],
)
def test_request_timeout(
    tmp_path: Path, timeout: str, openai: tuple[float, float], xai: tuple[float, float]
) -> None:
    """Seconds or a duration; an interval that would be shorter grows along."""
    config = from_environment(
        tmp_path, OPENAI_API_KEY="sk-1", XAI_API_KEY="xai-1", REQUEST_TIMEOUT=timeout
    ).config
    paces = {t.provider: (t.interval_s, t.deadline_s) for t in config.targets}
    assert paces == {"openai": openai, "xai": xai}


def test_max_tokens_default(tmp_path: Path) -> None:
    """It is everybody's limit, Grok's included."""
    config = from_environment(
        tmp_path, OPENAI_API_KEY="sk-1", XAI_API_KEY="xai-1", MAX_TOKENS_DEFAULT="99"
    ).config
    assert {target.max_output_tokens for target in config.targets} == {99}


def test_channels(tmp_path: Path) -> None:
    """Each kind of channel has its variables."""
    channels: tuple[Channel, ...] = from_environment(
        tmp_path,
        OPENAI_API_KEY="sk-1",
        SLACK_WEBHOOK_URL="https://hooks.slack.com/services/x",
        SLACK_BOT_TOKEN="xoxb-1",
        SLACK_CHANNEL="#a",
        WEBHOOK_URL="https://receiver.example/in",
    ).config.channels
    assert [type(channel) for channel in channels] == [SlackWebhook, SlackBot, Webhook]


def test_nothing_set(tmp_path: Path) -> None:
    """One clear line says what to set, and what runs without a key."""
    assert complaints(tmp_path) == [
        (
            "environment: nothing to probe: set OPENAI_API_KEY or XAI_API_KEY, or write a"
            " sonde.yaml;"
            " `sonde demo` shows Sonde at work without any key"
        )
    ]


@pytest.mark.parametrize(
    ("variable", "value", "problem"),
    [
        (
            "DAILY_BUDGET_USD",
            "5 EUR",
            (
                "expected an amount such as 5 USD, 0.50 or $5: prices are in US dollars, and no"
                " other money is changed"
            ),
        ),
        ("INFLUXDB_URL", "hunter2", "expected a URL such as https://example.com/path"),
        ("REDIS_URL", "redis+cluster://x/1", "a Redis Cluster has database 0 alone"),
        (
            "MAX_TOKENS_DEFAULT",
            "many",
            "expected a whole number, not the value of ${MAX_TOKENS_DEFAULT}",
        ),
        (
            "REQUEST_TIMEOUT",
            "soon",
            (
                "expected a duration with its unit, such as 500ms, 30s, 5m or 1h30m, not the"
                " value of"
                " ${REQUEST_TIMEOUT}"
            ),
        ),
        ("WEBHOOK_URL", "http://x.example", "expected an https URL; allow_http: true permits http"),
        (
            "OPENAI_BASE_URL",
            "hunter2",
            "expected a URL such as https://example.com/path, not the value of ${OPENAI_BASE_URL}",
        ),
    ],
)
def test_variables_that_are_wrong(tmp_path: Path, variable: str, value: str, problem: str) -> None:
    """A problem names the variable, and never shows its value."""
    (told,) = complaints(tmp_path, OPENAI_API_KEY="sk-1", **{variable: value})
    assert told == f"environment {variable}: {problem}"


def test_a_bot_without_a_channel(tmp_path: Path) -> None:
    """A token alone says nothing about where to post."""
    (told,) = complaints(tmp_path, OPENAI_API_KEY="sk-1", SLACK_BOT_TOKEN="xoxb-1")
    assert told.startswith("environment SLACK_CHANNEL: missing")


def test_an_empty_variable_is_unset(tmp_path: Path) -> None:
    """Containers pass variables on empty; that means nothing."""
    config = from_environment(
        tmp_path, OPENAI_API_KEY="sk-1", XAI_API_KEY="", DAILY_BUDGET_USD="", REDIS_URL=""
    ).config
    assert [provider.name for provider in config.providers] == ["openai"]


def test_a_wrong_xai_key(tmp_path: Path) -> None:
    """`sonde check` refuses it; the daemon starts with a warning."""
    (told,) = complaints(tmp_path, XAI_API_KEY="sk-123456789")
    assert told.startswith('environment XAI_API_KEY: keys of xai begin with "xai-"')
    loaded = from_environment(tmp_path, strict=False, XAI_API_KEY="sk-123456789")
    assert any(warning.path == "XAI_API_KEY" for warning in loaded.warnings)


def test_dotenv_stands_below_the_environment(tmp_path: Path) -> None:
    """`.env` of the working directory fills in what the environment does not say."""
    (tmp_path / ".env").write_text(
        "OPENAI_API_KEY=sk-file\nexport OPENAI_ORG_ID='org-${OPENAI_API_KEY}'\nBARE\n"
    )
    (provider,) = from_environment(tmp_path).config.providers
    assert provider.api_key.read().reveal() == "sk-file"
    assert provider.organization == "org-${OPENAI_API_KEY}"
    (provider,) = from_environment(tmp_path, OPENAI_API_KEY="sk-real").config.providers
    assert provider.api_key.read().reveal() == "sk-real"


@pytest.mark.parametrize(
    ("raw", "problem"),
    [
        (b"A=\xff\n", ".env: not UTF-8: save it as UTF-8"),
        (b"#" * 300_000, ".env: larger than 256 KiB"),
    ],
)
def test_an_unreadable_dotenv(tmp_path: Path, raw: bytes, problem: str) -> None:
    """A `.env` that cannot be read is told, not passed over."""
    (tmp_path / ".env").write_bytes(raw)
    assert complaints(tmp_path) == [problem]


def test_a_dotenv_that_is_a_directory(tmp_path: Path) -> None:
    """Whatever is in the way of reading it is named."""
    (tmp_path / ".env").mkdir()
    assert complaints(tmp_path) == [".env: cannot read it: Is a directory"]


def test_which_file_is_read(tmp_path: Path) -> None:
    """The named one, else ./sonde.yaml, else the system's, else none."""
    system = tmp_path / "etc.yaml"
    named = Path("named.yaml")
    assert find_config(named, tmp_path, system) == named
    assert find_config(None, tmp_path, system) is None
    system.touch()
    assert find_config(None, tmp_path, system) == system
    (tmp_path / "sonde.yaml").touch()
    assert find_config(None, tmp_path, system) == tmp_path / "sonde.yaml"


def test_a_path_that_cannot_be_looked_at_is_read(tmp_path: Path) -> None:
    """What may not be looked at is not passed over: reading it then says what is wrong."""
    unreachable = tmp_path / ("x" * 300)
    assert find_config(None, tmp_path, unreachable) == unreachable
