"""Secrets do not reach a log line, however they try."""

import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from monitor import logs

KEY = "sk-live-abcdefghijklmnop"
ODD = "a-secret-without-any-known-shape"


@pytest.fixture
def restored() -> Iterator[None]:
    handlers, level = logging.root.handlers[:], logging.root.level
    yield
    logging.root.handlers[:] = handlers
    logging.root.setLevel(level)


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


@pytest.mark.usefixtures("restored")
def test_no_field_and_no_traceback_holds_a_secret(capsys: pytest.CaptureFixture[str]) -> None:
    """In a field, nested in one, in an exception's text and chain: masked, by value or by shape."""
    logs.set_up([ODD], level="DEBUG", json=True)
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
    told = lines(capsys)
    assert len(told) == 4
    assert KEY not in json.dumps(told)
    assert ODD not in json.dumps(told)
    assert "RuntimeError" in str(told[1])


@pytest.mark.usefixtures("restored")
def test_talkative_libraries_are_silenced(capsys: pytest.CaptureFixture[str]) -> None:
    """httpx2 prints whole URLs at INFO, slack_sdk webhook URLs at DEBUG: neither gets through."""
    logs.set_up(level="DEBUG", json=True)
    logging.getLogger("httpx2").info("HTTP Request: POST https://hooks.example/T/B/x")
    logging.getLogger("slack_sdk.webhook.async_client").debug("Sending to https://hooks.example/x")
    assert lines(capsys) == []


@pytest.mark.usefixtures("restored")
def test_an_event_has_a_name_a_level_and_a_time(capsys: pytest.CaptureFixture[str]) -> None:
    """Each line is one JSON object with what a collector needs to sort it."""
    logs.set_up(json=True)
    structlog.get_logger("test").warning("probe.result", target="a")
    (event,) = lines(capsys)
    assert (event["event"], event["level"], event["target"]) == ("probe.result", "warning", "a")
    assert str(event["timestamp"]).endswith("Z")
