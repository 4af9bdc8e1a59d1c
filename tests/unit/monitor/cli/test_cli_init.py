"""`sonde init`: what it asks, what it writes, and what it leaves alone."""

import io
import json
import os
from pathlib import Path

import pytest

from monitor.cli import main
from monitor.config.load import load
from monitor.onboarding.asking import asked
from monitor.onboarding.usual import Key
from monitor.onboarding.wish import Watched, Wish, WishError

SECRET = "sk-proj-0123456789secret"


class Terminal(io.StringIO):
    """Somebody who types these lines."""

    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder, and one key."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("os.environ", {"OPENAI_API_KEY": SECRET})
    return tmp_path


def test_what_there_is_a_key_for_is_watched(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With --yes nothing is asked; the key itself is neither shown nor written."""
    assert main(["init", "--yes"]) == 0
    text = (folder / "sonde.yaml").read_text()
    said = capsys.readouterr().out
    assert '"${OPENAI_API_KEY}"' in text
    assert SECRET not in text + said
    assert "gpt-4o-mini: chat of openai, every 1m" in said
    assert "next: `sonde check sonde.yaml`" in said
    assert "a day" in said
    assert main(["check"]) == 0


def test_a_file_that_is_there_stays(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Unless --force is said; and a mistake leaves nothing behind."""
    (folder / "sonde.yaml").write_text("mine")
    assert main(["init", "--yes"]) == 2
    assert "--force" in capsys.readouterr().err
    assert (folder / "sonde.yaml").read_text() == "mine"
    assert main(["init", "--yes", "--force", "--interval", "1x"]) == 2
    assert "sonde.yaml:6:13 defaults.interval: expected" in capsys.readouterr().err
    assert (folder / "sonde.yaml").read_text() == "mine"
    assert main(["init", "--yes", "--force"]) == 0
    assert [each.name for each in folder.iterdir()] == ["sonde.yaml"]


def test_force_replaces_a_file_and_nothing_else(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A device, a pipe or a folder stays what it is, and so does a link to a file."""
    os.mkfifo(folder / "pipe")
    (folder / "deep").mkdir()
    for name in ("pipe", "deep"):
        assert main(["init", name, "--yes", "--force"]) == 2
        assert capsys.readouterr().err == f"{name}: is no file\n"
    (folder / "deep" / "kept.yaml").write_text("old")
    (folder / "link.yaml").symlink_to("deep/kept.yaml")
    assert main(["init", "link.yaml", "--yes", "--force"]) == 0
    assert (folder / "link.yaml").is_symlink()
    assert "openai" in (folder / "deep" / "kept.yaml").read_text()


def test_a_key_that_is_not_there_yet_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    """All else is right all the same, and is written; it stands in the JSON too."""
    options = ("--provider", "xai", "--slack-webhook-env", "HOOK", "--budget-usd", "2")
    assert main(["init", *options]) == 0
    assert "next: set HOOK, XAI_API_KEY; then `sonde check sonde.yaml`" in capsys.readouterr().out
    assert main(["init", *options, "--force", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["missing_variables"] == ["HOOK", "XAI_API_KEY"]
    assert told["targets"] == ["grok-4.3"]
    assert told["at_most"]["day_usd"] > 0.0


def test_a_server_of_ones_own_needs_no_key(folder: Path) -> None:
    """Its address and a model are enough."""
    assert main(["init", "--base-url", "http://localhost:8000/v1", "--model", "qwen"]) == 0
    config = load(Path("sonde.yaml"), {}, cwd=folder, strict=True).config
    assert config.providers[0].base_url == "http://localhost:8000/v1"


def test_without_a_terminal_nobody_is_asked(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It says what to say instead; and without any key, what to set."""
    monkeypatch.setattr("sys.stdin", io.StringIO())
    assert main(["init"]) == 2
    assert "--yes" in capsys.readouterr().err
    monkeypatch.setattr("os.environ", {})
    assert main(["init", "--yes"]) == 2
    assert "no key is there" in capsys.readouterr().err


def test_on_a_terminal_it_asks(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Return takes what is offered; probes are offered last, and not made unasked."""
    monkeypatch.setattr("sys.stdin", Terminal("\n" * 10))
    assert main(["init"]) == 0
    told = capsys.readouterr()
    assert "OPENAI_API_KEY is set: watch openai? [Y/n]" in told.err
    assert "one request now?" in told.err
    assert (folder / "sonde.yaml").exists()
    monkeypatch.setattr("sys.stdin", Terminal(""))
    assert main(["init", "other.yaml"]) == 2
    assert capsys.readouterr().err.endswith("no answer\n")
    assert not (folder / "other.yaml").exists()


def test_who_hangs_up_at_the_last_question_has_a_file(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No answer is no: nothing is probed."""
    monkeypatch.setattr("sys.stdin", Terminal("\n" * 6))
    assert main(["init"]) == 0
    assert (folder / "sonde.yaml").exists()


def test_slack_is_taken_too(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With --yes, where its usual variable is set."""
    hook = "https://hooks.slack.com/services/T/B/x"
    monkeypatch.setattr("os.environ", {"OPENAI_API_KEY": SECRET, "SLACK_WEBHOOK_URL": hook})
    assert main(["init", "--yes"]) == 0
    assert "${SLACK_WEBHOOK_URL}" in (folder / "sonde.yaml").read_text()
    assert hook not in (folder / "sonde.yaml").read_text()


def answers(*lines: str, keys: tuple[Key, ...] = (), environ: dict[str, str] | None = None) -> Wish:
    """Return what these answers wish."""
    given = iter(lines)
    return asked(lambda _: next(given), keys, environ or {})


def test_every_answer_counts() -> None:
    """Models, embeddings, a server, the pace, a budget, where people are told."""
    key = Key("openai", "MY_KEY", by_shape=True)
    environ = {"SLACK_WEBHOOK_URL": "https://hooks.slack.com/x"}
    lines = ("y", "a, b", "-", "http://h/v1", "m", "HOUSE", "30s", "$2.50", "yes")
    assert answers(*lines, keys=(key,), environ=environ) == Wish(
        watched=(
            Watched(preset="openai", variable="MY_KEY", models=("a", "b")),
            Watched(preset="compatible", variable="HOUSE", models=("m",), base_url="http://h/v1"),
        ),
        interval="30s",
        budget_usd=2.5,
        slack_webhook="SLACK_WEBHOOK_URL",
    )
    assert answers("", "", "", "", "", "", "n", keys=(key,), environ=environ) == Wish(
        watched=(
            Watched(
                preset="openai",
                variable="MY_KEY",
                models=("gpt-4o-mini",),
                embeddings=("text-embedding-3-small",),
            ),
        )
    )


def test_a_preset_without_embeddings_is_not_asked_for_them() -> None:
    """One question fewer."""
    assert answers("", "", "", "", "", keys=(Key("xai", "X"),)).watched[0].embeddings == ()


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        (("n", ""), "nothing to watch"),
        (("n", "http://h/v1", ""), "a server without a model"),
        (("", "", "", "", "", "much"), "expected US dollars"),
        (("", "", "", "", "", "-1"), "expected US dollars"),
        (("", "", "", "", "", "nan"), "expected US dollars"),
    ],
)
def test_an_answer_that_cannot_be_is_told(lines: tuple[str, ...], problem: str) -> None:
    """Before anything is written."""
    with pytest.raises(WishError, match=problem):
        answers(*lines, keys=(Key("openai", "K"),))
