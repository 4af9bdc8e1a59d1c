"""Secrets do not reach a log line, however they try."""

import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from monitor import logs
from monitor.known_secrets import KnownSecrets
from probes.secret import SecretSource

KEY = "sk-live-abcdefghijklmnop"
ODD = "a-secret-without-any-known-shape"


@pytest.fixture
def restored() -> Iterator[None]:
    handlers, level = logging.root.handlers[:], logging.root.level
    yield
    logging.root.handlers[:] = handlers
    logging.root.setLevel(level)


def lines(capfd: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    return [json.loads(line) for line in capfd.readouterr().err.splitlines()]


@pytest.mark.usefixtures("restored")
def test_no_field_and_no_traceback_holds_a_secret(capfd: pytest.CaptureFixture[str]) -> None:
    """In a field, nested in one, in an exception's text and chain: masked, by value or by shape."""
    stderr = logs.set_up(lambda: (ODD,), level="DEBUG", json=True)
    log = structlog.get_logger("test")
    log.info("plain", field=ODD, nested={"deep": [KEY, ODD]}, key=KEY)
    try:
        try:
            raise ValueError(f"inner {ODD}")
        except ValueError as error:
            raise RuntimeError(f"outer {KEY}") from error
    except RuntimeError:
        log.exception("broke")
    logging.getLogger("somebody.else").error("they say %s", KEY)
    logging.getLogger("somebody.else").error("and raise", exc_info=ValueError(ODD))
    stderr.settle()
    told = lines(capfd)
    assert len(told) == 4
    assert KEY not in json.dumps(told)
    assert ODD not in json.dumps(told)
    assert "RuntimeError" in str(told[1])


@pytest.mark.usefixtures("restored")
def test_talkative_libraries_are_silenced(capfd: pytest.CaptureFixture[str]) -> None:
    """httpx2 prints whole URLs at INFO, slack_sdk webhook URLs at DEBUG: neither gets through."""
    stderr = logs.set_up(level="DEBUG", json=True)
    logging.getLogger("httpx2").info("HTTP Request: POST https://hooks.example/T/B/x")
    logging.getLogger("slack_sdk.webhook.async_client").debug("Sending to https://hooks.example/x")
    stderr.settle()
    assert lines(capfd) == []


@pytest.mark.usefixtures("restored")
def test_what_libraries_print_through_the_root_is_kept_out(
    capfd: pytest.CaptureFixture[str],
) -> None:
    """`logging.debug(answer)`: no logger's level reaches it. Warnings are for people, and stay."""
    stderr = logs.set_up(level="DEBUG", json=True)
    logging.debug("the whole answer")  # noqa: LOG015 - the thing to be kept out
    logging.info("the whole answer")  # noqa: LOG015 - as above
    logging.warning("a warning")  # noqa: LOG015 - as above
    stderr.settle()
    assert [event["event"] for event in lines(capfd)] == ["a warning"]


@pytest.mark.usefixtures("restored")
def test_a_secret_that_replaced_another_is_masked(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """The new one from the first event on, and the old one as well: it may be good still."""
    path = tmp_path / "token"
    path.write_text("the-first-token")
    stderr = logs.set_up(KnownSecrets([SecretSource(path=path)]), json=True)
    log = structlog.get_logger("test")
    (tmp_path / "new").write_text("a-second-token")
    (tmp_path / "new").rename(path)
    log.error("told", said="the-first-token and a-second-token")
    stderr.settle()
    assert [event["said"] for event in lines(capfd)] == ["*** and ***"]


@pytest.mark.usefixtures("restored")
def test_an_event_has_a_name_a_level_and_a_time(capfd: pytest.CaptureFixture[str]) -> None:
    """Each line is one JSON object with what a collector needs to sort it."""
    stderr = logs.set_up(json=True)
    structlog.get_logger("test").warning("probe.result", target="a")
    stderr.settle()
    (event,) = lines(capfd)
    assert (event["event"], event["level"], event["target"]) == ("probe.result", "warning", "a")
    assert str(event["timestamp"]).endswith("Z")
