"""Models that end are told of before they do, by whoever knows what day it is."""

from pathlib import Path

import pytest

from monitor.cli.check import check_text
from monitor.config.errors import ConfigError
from monitor.config.load import load
from probes.retirement import DAY_S, WARN_DAYS, retires_at
from tests.unit.monitor.config.configtexts import ENVIRON

ENDING = retires_at("openai", "gpt-4o")
assert ENDING is not None
END = ENDING.at

TEXT = """\
providers:
  openai: {preset: openai, api_key: "${KEY}"}
  gateway: {preset: openai, base_url: "https://gw.example/v1", api_key: "${KEY}"}
targets:
  - {name: a, provider: openai, model: gpt-4o}
  - {name: "b-{model}", provider: openai, models: [no-such, gpt-4o]}
  - {name: c, provider: gateway, model: gpt-4o}
  - {name: d, provider: nobody, model: gpt-4o}
"""


def _told(folder: Path, now: float | None, text: str = TEXT) -> list[str]:
    (folder / "sonde.yaml").write_text(text.replace("nobody", "openai"))
    loaded = load(Path("sonde.yaml"), ENVIRON, cwd=folder, strict=True, now=now)
    return [str(each) for each in loaded.warnings if "retire" in each.message]


@pytest.mark.parametrize(
    ("now", "words"),
    [
        (END - WARN_DAYS * DAY_S, "gpt-4o retires on 2027-01-14, says https://"),
        (END - 1.0, "gpt-4o retires on 2027-01-14, says https://"),
        (END, "gpt-4o has retired on 2027-01-14, says https://"),
        (END + 400 * DAY_S, "gpt-4o has retired on 2027-01-14, says https://"),
    ],
)
def test_a_model_near_its_end_is_warned_of(tmp_path: Path, now: float, words: str) -> None:
    """From 30 days before, at each target that has it; a gateway's models are its own."""
    told = _told(tmp_path, now)
    assert [each.split(": ", 1)[0].split(" ")[1] for each in told] == [
        "targets[0].model",
        "targets[1].models",
        "targets[3].model",
    ]
    assert all(words in each for each in told)


@pytest.mark.parametrize("now", [END - (WARN_DAYS + 1) * DAY_S, None])
def test_nothing_is_told_before_or_by_whoever_does_not_know_the_day(
    tmp_path: Path, now: float | None
) -> None:
    """Tests and tools without a clock get the same answer on every day."""
    assert _told(tmp_path, now) == []


def test_a_target_of_an_unknown_provider_is_somebody_elses_problem(tmp_path: Path) -> None:
    """It is refused for that; looking at its model must not break."""
    (tmp_path / "sonde.yaml").write_text(TEXT)
    with pytest.raises(ConfigError, match="unknown provider"):
        load(Path("sonde.yaml"), ENVIRON, cwd=tmp_path, strict=True, now=END)


def test_how_a_provider_is_reached_is_printed(tmp_path: Path) -> None:
    """Proxy, roots, certificate and names of headers: where from, never what."""
    (tmp_path / "sonde.yaml").write_text(
        """\
providers:
  one: {preset: openai, api_key: "${KEY}", proxy: "http://proxy:3128", headers: {X-T: "${T}"}}
  two: {preset: openai, api_key: "${KEY}", proxy: "${P}", ca_file: ca, client_cert_file: crt}
  three: {preset: openai, api_key: "${KEY}"}
targets:
  - {name: a, provider: one, model: m}
"""
    )
    environ = {**ENVIRON, "T": "token-4711", "P": "http://u:pass-4711@proxy:1"}
    loaded = load(Path("sonde.yaml"), environ, cwd=tmp_path, strict=False)
    rows = {row.split()[0]: " ".join(row.split()) for row in check_text(loaded).splitlines() if row}
    assert rows["one"].endswith("${KEY} 8 proxy http://proxy:3128, header X-T")
    assert rows["two"].endswith(
        f"${{KEY}} 8 proxy ${{P}}, roots {tmp_path}/ca, certificate {tmp_path}/crt"
    )
    assert rows["three"].endswith("${KEY} 8")
    assert "4711" not in check_text(loaded)
