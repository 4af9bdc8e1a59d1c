"""Targets and providers: expansion, precedence, keys."""

from pathlib import Path

import pytest

from monitor.config.load import load
from probes.result import Operation
from probes.secret import SecretSource
from probes.target import Connection, Price, Target
from tests.unit.monitor.config.configtexts import ENVIRON, SMALL, load_text, refusal, refusals

PROVIDERS = """\
providers:
  openai: {preset: openai, api_key: "${KEY}"}
  grok: {preset: xai, api_key: "${XAI_KEY}"}
  house:
    preset: compatible
    base_url: http://vllm.internal:8000/v1/
    prices: {default: {input: 1, output: 2}, big: {input: 3, output: 4, cached_input: 0.5}}
"""


def targets(folder: Path, *rows: str, head: str = "") -> dict[str, Target]:
    """Return the targets of a configuration by name."""
    text = head + PROVIDERS + "targets:\n" + "".join(f"  - {row}\n" for row in rows)
    return {target.name: target for target in load_text(folder, text).config.targets}


def test_a_target_that_says_little(tmp_path: Path) -> None:
    """Every key but name, provider and model has a default."""
    target = targets(tmp_path, "{name: a, provider: openai, model: gpt-4o-mini}")["a"]
    assert target.operation is Operation.CHAT
    assert target.connection is Connection.REUSE
    assert (target.interval_s, target.deadline_s) == (60.0, 30.0)
    assert (target.first_token_deadline_s, target.idle_deadline_s) == (15.0, 15.0)
    assert (target.max_output_tokens, target.stream, target.labels) == (16, False, ())
    assert target.prompt


def test_a_target_that_says_everything(tmp_path: Path) -> None:
    """What a target says is what it gets, with the labels of defaults beneath its own."""
    row = (
        "{name: a, provider: openai, model: m, stream: true, prompt: p, expect: {contains: x},"
        " connection: fresh, max_output_tokens: 50, interval: 20s, deadline: 10s,"
        " first_token_deadline: 3s, idle_deadline: 2s, labels: {tier: gold}}"
    )
    target = targets(tmp_path, row, head="defaults: {labels: {team: ml, tier: iron}}\n")["a"]
    assert (target.interval_s, target.deadline_s) == (20.0, 10.0)
    assert (target.first_token_deadline_s, target.idle_deadline_s) == (3.0, 2.0)
    assert (target.prompt, target.expect.contains, target.max_output_tokens) == ("p", "x", 50)
    assert (target.stream, target.connection) == (True, Connection.FRESH)
    assert target.labels == (("team", "ml"), ("tier", "gold"))


def test_models_are_expanded(tmp_path: Path) -> None:
    """One target for each model, named after it."""
    found = targets(tmp_path, "{name: 'h-{model}', provider: house, models: [a/b, big]}")
    assert {name: target.model for name, target in found.items()} == {
        "h-a/b": "a/b",
        "h-big": "big",
    }


def test_prices_by_model_then_default_then_published(tmp_path: Path) -> None:
    """A configured price wins; without one the published price of the model, or none."""
    found = targets(
        tmp_path,
        "{name: big, provider: house, model: big}",
        "{name: other, provider: house, model: other}",
        "{name: known, provider: openai, model: gpt-4o-mini}",
        "{name: unknown, provider: openai, model: gpt-99}",
    )
    assert found["big"].price == Price(input_usd=3, output_usd=4, cached_input_usd=0.5)
    assert found["other"].price == Price(input_usd=1, output_usd=2)
    assert found["known"].price is not None
    assert found["known"].price.as_of is not None
    assert found["unknown"].price is None


def test_presets_set_the_pace_of_chats_only(tmp_path: Path) -> None:
    """Grok reasons first, so its chats get more time; nothing reasons over an embedding."""
    found = targets(
        tmp_path,
        "{name: chat, provider: grok, model: grok-code-fast-1}",
        "{name: embed, provider: grok, model: e, operation: embeddings}",
        "{name: quick, provider: grok, model: grok-code-fast-1, interval: 40s}",
    )
    assert (found["chat"].interval_s, found["chat"].deadline_s) == (120.0, 90.0)
    assert (found["embed"].interval_s, found["embed"].deadline_s) == (60.0, 30.0)
    assert (found["quick"].interval_s, found["quick"].deadline_s) == (40.0, 40.0)


def test_defaults_of_the_file_win_over_the_preset(tmp_path: Path) -> None:
    """What somebody wrote wins over what Sonde thinks of a provider."""
    head = "defaults: {interval: 50s, deadline: 20s}\n"
    target = targets(tmp_path, "{name: a, provider: grok, model: m}", head=head)["a"]
    assert (target.interval_s, target.deadline_s) == (50.0, 20.0)


def test_durations_nobody_said_give_way(tmp_path: Path) -> None:
    """A deadline from elsewhere is shortened to the target's interval, and so on down."""
    target = targets(tmp_path, "{name: a, provider: openai, model: m, interval: 10s}")["a"]
    assert (target.deadline_s, target.first_token_deadline_s, target.idle_deadline_s) == (10,) * 3
    head = "defaults: {deadline: 40s, first_token_deadline: 30s}\n"
    row = "{name: a, provider: openai, model: m, stream: true, deadline: 20s}"
    target = targets(tmp_path, row, head=head)["a"]
    assert (target.deadline_s, target.first_token_deadline_s) == (20.0, 20.0)


@pytest.mark.parametrize(
    ("head", "row", "problem"),
    [
        (
            "",
            "interval: 10s, deadline: 20s",
            (
                "targets[0].deadline: 20s is longer than the interval of 10s: shorten it, or"
                " lengthen"
                " the interval"
            ),
        ),
        ("", "deadline: 90s", "targets[0].deadline: 1m30s is longer than the interval of 1m:"),
        (
            "defaults: {deadline: 90s}\n",
            "stream: true",
            "defaults.deadline: 1m30s is longer than the interval of 1m:",
        ),
        (
            "",
            "stream: true, deadline: 5s, idle_deadline: 6s",
            "targets[0].idle_deadline: 6s is longer than the deadline of 5s:",
        ),
        (
            "",
            "stream: true, first_token_deadline: 31s",
            "targets[0].first_token_deadline: 31s is longer than the deadline of 30s:",
        ),
        (
            "defaults: {deadline: 5s, idle_deadline: 6s}\n",
            "stream: true",
            "defaults.idle_deadline: 6s is longer than the deadline of 5s:",
        ),
        ("", "first_token_deadline: 5s", "targets[0].first_token_deadline: has an effect only"),
        ("", "dimensions: 5", "targets[0].dimensions: has an effect only with operation: emb"),
        ("", "expect: {dimensions: 5}", "targets[0].expect.dimensions: has an effect only with"),
        ("", "operation: embeddings, stream: true", "targets[0].stream: has an effect only with"),
        (
            "",
            "operation: embeddings, expect: {contains: x}",
            "targets[0].expect.contains: has an effect only with operation: chat",
        ),
        (
            "",
            "operation: embeddings, dimensions: 5, expect: {dimensions: 6}",
            "targets[0].expect.dimensions: is not the 5 that is asked for",
        ),
        ("", "models: [a]", "targets[0].models: give model or models, not both"),
        ("", "operation: chta", "targets[0].operation: expected chat, embeddings, responses or mo"),
        ("", "connection: new", 'targets[0].connection: expected reuse or fresh, not "new"'),
    ],
)
def test_targets_that_contradict_themselves(
    tmp_path: Path, head: str, row: str, problem: str
) -> None:
    """Values that cannot both hold, and keys without effect, are refused."""
    text = f"{head}{PROVIDERS}targets: [{{name: a, provider: openai, model: m, {row}}}]\n"
    assert refusal(tmp_path, text).split(" ", 1)[1].startswith(problem)


@pytest.mark.parametrize(
    ("rows", "problem"),
    [
        (
            ["{name: a, provider: openai, model: m}", "{name: a, provider: openai, model: n}"],
            'targets[1].name: a second target named "a" (the first is targets[0])',
        ),
        (
            ["{name: a, provider: openai, models: [m, n]}"],
            (
                'targets[0].name: a second target named "a": write {model} in the name, so'
                " that each"
                " model gets its own"
            ),
        ),
        (["{name: a, provider: openai}"], "targets[0].model: missing: the model to ask"),
        (
            ["{name: 'a b', provider: openai, model: m}"],
            (
                "targets[0].name: expected a name of up to 128 letters, digits or . _ : / @ - and"
                ' {model}, not "a b"'
            ),
        ),
    ],
)
def test_names_and_models(tmp_path: Path, rows: list[str], problem: str) -> None:
    """Names are unique once models are filled in, and every target has a model."""
    text = PROVIDERS + "targets:\n" + "".join(f"  - {row}\n" for row in rows)
    assert refusal(tmp_path, text).split(" ", 1)[1] == problem


def test_bad_common_durations_cause_no_further_complaints(tmp_path: Path) -> None:
    """While `defaults` is wrong, nothing is said about what depends on it."""
    text = "defaults: {interval: x}\n" + SMALL.replace("gpt-4o-mini", "m, deadline: 90s")
    assert [problem.path for problem in refusals(tmp_path, text)] == ["defaults.interval"]


def test_a_target_of_a_broken_provider_is_not_also_blamed(tmp_path: Path) -> None:
    """A provider that is wrong in itself still exists for those that name it."""
    text = SMALL.replace("openai, api_key", "openai, max_concurrency: 0, api_key")
    assert [problem.path for problem in refusals(tmp_path, text)] == [
        "providers.openai.max_concurrency"
    ]


def test_targets_without_any_provider(tmp_path: Path) -> None:
    """Without providers the target is told so."""
    told = refusal(tmp_path, "targets: [{name: a, provider: x, model: m}]\n")
    assert told.endswith('unknown provider "x": providers: is empty')


# Providers and their keys ------------------------------------------------------------------------


def provider_text(body: str) -> str:
    """Return a configuration with one provider."""
    return f"providers: {{p: {{{body}}}}}\ntargets: [{{name: a, provider: p, model: m}}]\n"


def test_base_urls(tmp_path: Path) -> None:
    """The preset's address is the default; a trailing slash is dropped."""
    text = PROVIDERS + "targets: [{name: a, provider: house, model: m}]\n"
    urls = [provider.base_url for provider in load_text(tmp_path, text).config.providers]
    assert urls == [
        "https://api.openai.com/v1",
        "https://api.x.ai/v1",
        "http://vllm.internal:8000/v1",
    ]


def test_a_key_from_a_variable(tmp_path: Path) -> None:
    """The key is known with the name of its variable."""
    source = load_text(tmp_path, SMALL).config.providers[0].api_key
    assert source.read().reveal() == ENVIRON["KEY"]
    assert source.variable == "KEY"


def test_a_key_from_a_file(tmp_path: Path) -> None:
    """A key file is found beside the configuration and read again at each use."""
    (tmp_path / "key").write_text("xai-one\n")
    config = load_text(tmp_path, provider_text("preset: xai, api_key_file: key")).config
    source = config.providers[0].api_key
    assert source == SecretSource(path=tmp_path / "key")
    (tmp_path / "key").write_text("xai-two\n")
    assert source.read().reveal() == "xai-two"


def test_servers_without_keys(tmp_path: Path) -> None:
    """A compatible server needs no key; something is sent in its place."""
    text = provider_text("preset: compatible, base_url: 'http://h:1/v1'")
    assert load_text(tmp_path, text).config.providers[0].api_key.read().reveal() == "EMPTY"


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ("preset: openai", "providers.p.api_key: missing: give api_key as ${VARIABLE}, or"),
        ("preset: openai, api_key: '${NIL}'", "providers.p.api_key: the value of ${NIL} is empty"),
        ("preset: xai, api_key: '${KEY}'", 'providers.p.api_key: keys of xai begin with "xai-"'),
        ("preset: xai, api_key_file: none", "providers.p.api_key_file: cannot read "),
        (
            "preset: xai, api_key: '${KEY}', api_key_file: x",
            "providers.p.api_key: give api_key or api_key_file, not both",
        ),
        ("preset: xai, api_key: '${NOT:-xai-12345678}'", "providers.p.api_key: a secret is not"),
        ("preset: xai, api_key: '${ODD}'", "providers.p.api_key: the value holds characters that"),
        ("preset: compatible", "providers.p.base_url: missing: the preset compatible has no base"),
        (
            "preset: compatible, base_url: 'http://u:p@h/v1'",
            "providers.p.base_url: expected a URL without a user name or password in it",
        ),
        ("preset: opanai", "providers.p.preset: expected openai, azure, xai, openrouter, groq, "),
    ],
)
def test_providers_that_cannot_work(tmp_path: Path, body: str, problem: str) -> None:
    """A key that is missing, unreadable, written out or of the wrong kind is refused."""
    environ = {"NIL": "", "ODD": "xai-\u00e9"}
    told = refusal(tmp_path, provider_text(body), environ=environ)
    assert told.split(" ", 1)[1].startswith(problem)
    assert "u:p@" not in told


@pytest.mark.parametrize("body", ["api_key: '${KEY}'", "api_key_file: none"])
def test_a_bad_key_at_run_time_is_a_warning(tmp_path: Path, body: str) -> None:
    """It costs its own provider only, so the daemon starts."""
    loaded = load_text(tmp_path, provider_text(f"preset: xai, {body}"), strict=False)
    assert any(warning.path.startswith("providers.p.api_key") for warning in loaded.warnings)
    assert [provider.name for provider in loaded.config.providers] == ["p"]


def test_an_unusual_openai_key_is_only_a_warning(tmp_path: Path) -> None:
    """OpenAI's prefix has exceptions; behind another address any key may be right."""
    odd = load_text(tmp_path, SMALL, environ={"KEY": "odd-key"}).warnings
    assert any("begin with" in warning.message for warning in odd)
    behind = SMALL.replace("openai, api_key", "openai, base_url: 'https://gw.example/v1', api_key")
    silent = load_text(tmp_path, behind, environ={"KEY": "odd-key"}).warnings
    assert not any("begin with" in warning.message for warning in silent)


def test_keys_in_clear_text_are_warned_of(tmp_path: Path) -> None:
    """Clear text to a public preset's replacement is odd; inside the house it is usual."""
    body = "preset: openai, api_key: '${KEY}', base_url: 'http://gw.example/v1'"
    warnings = load_text(tmp_path, provider_text(body)).warnings
    assert any("clear text" in warning.message for warning in warnings)
    local = load_text(tmp_path, provider_text(body.replace("gw.example", "127.0.0.1:9")))
    assert not any("clear text" in warning.message for warning in local.warnings)


def test_a_provider_nobody_uses_is_warned_of(tmp_path: Path) -> None:
    """It costs nothing, and is probably a mistake."""
    text = PROVIDERS + "targets: [{name: a, provider: house, model: m}]\n"
    warned = [w.path for w in load_text(tmp_path, text).warnings if "no target" in w.message]
    assert warned == ["providers.openai", "providers.grok"]


def test_paths_are_relative_to_the_file(tmp_path: Path) -> None:
    """A configuration elsewhere brings its own files along."""
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc" / "key").write_text("xai-123")
    text = provider_text("preset: xai, api_key_file: key") + "store: {path: data/x.db}\n"
    (tmp_path / "etc" / "c.yaml").write_text(text)
    config = load(Path("etc/c.yaml"), {}, cwd=tmp_path, strict=True).config
    assert config.source == "etc/c.yaml"
    assert config.store.path == tmp_path / "etc" / "data" / "x.db"


def many(number: int, limit: str = "") -> str:
    """One provider with so many targets whose deadline is half their interval."""
    rows = "\n".join(
        f"  - {{name: t{n}, provider: p, model: m, operation: chat}}" for n in range(number)
    )
    return (
        f"providers: {{p: {{preset: compatible, base_url: 'http://x/v1'{limit}}}}}\n"
        f"defaults: {{interval: 60s, deadline: 30s}}\ntargets:\n{rows}\n"
    )


@pytest.mark.parametrize(("number", "places"), [(1, 8), (8, 8), (50, 50)])
def test_no_probe_waits_for_a_place_unless_asked(tmp_path: Path, number: int, places: int) -> None:
    """Left alone, a provider has a place for each of its targets: a hang takes them all."""
    (tmp_path / "sonde.yaml").write_text(many(number))
    (provider,) = load(tmp_path / "sonde.yaml", {}, cwd=tmp_path, strict=True).config.providers
    assert provider.max_concurrency == places


@pytest.mark.parametrize(("limit", "warned"), [(24, True), (25, False)])
def test_too_few_places_for_a_hang_are_told(tmp_path: Path, limit: int, warned: bool) -> None:
    """Fifty targets at half their interval keep twenty-five places while the provider hangs."""
    (tmp_path / "sonde.yaml").write_text(many(50, f", max_concurrency: {limit}"))
    loaded = load(tmp_path / "sonde.yaml", {}, cwd=tmp_path, strict=True)
    found = [w for w in loaded.warnings if w.path == "providers.p.max_concurrency"]
    assert bool(found) is warned
