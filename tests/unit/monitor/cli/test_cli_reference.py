"""`sonde reference reset`."""

from pathlib import Path

import pytest

from aggregator.ledger import Ledger
from aggregator.references import KeptReference, save_references
from monitor.cli import main
from monitor.daemon import SCHEMAS

CONFIG = """\
store: {path: sonde.db}
providers: {p: {preset: compatible, base_url: "http://127.0.0.1:9/v1"}}
targets:
  - {name: embed, provider: p, model: m, operation: embeddings}
  - {name: chat, provider: p, model: m}
"""


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A configuration with a ledger beside it that is not there yet."""
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "sonde.yaml"
    path.write_text(CONFIG)
    return path


async def _ledger_with_reference(folder: Path) -> Ledger:
    ledger = Ledger.open(folder / "sonde.db", SCHEMAS, inline=True)
    kept = KeptReference("embed", "m", "digest", b"\0\0\x80?", 1.0)
    await ledger.write(lambda c: save_references(c, [kept]))
    return ledger


async def test_a_reference_is_reset_while_the_ledger_is_in_use(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The first time there is one, the second time there is none; both are fine."""
    ledger = await _ledger_with_reference(config.parent)
    assert main(["reference", "reset", "embed"]) == 0
    assert main(["reference", "reset", "embed", str(config)]) == 0
    assert main(["reference", "reset", "embed", "--json"]) == 0
    await ledger.close()
    assert capsys.readouterr().out == (
        "reference of embed: forgotten; the next good answer is taken\n"
        "reference of embed: there is none yet\n"
        '{"target": "embed", "forgotten": false}\n'
    )


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("nobody", 'no target is called "nobody"'),
        ("chat", '"chat" is of operation chat, which has no vectors'),
    ],
)
def test_only_targets_with_vectors_have_references(
    config: Path, capsys: pytest.CaptureFixture[str], name: str, said: str
) -> None:
    """A name that is wrong is told, not passed over."""
    assert main(["reference", "reset", name]) == 2
    assert said in capsys.readouterr().err


def test_without_a_ledger_there_is_nothing_to_reset(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """And none is made for it."""
    assert main(["reference", "reset", "embed"]) == 1
    assert "there is no ledger yet" in capsys.readouterr().err
    assert not (config.parent / "sonde.db").exists()


def test_a_bad_configuration_is_told(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """As everywhere else."""
    config.write_text("targets: 3")
    assert main(["reference", "reset", "embed"]) == 2
    assert "targets" in capsys.readouterr().err
