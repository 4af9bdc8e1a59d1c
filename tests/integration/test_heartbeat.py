"""The dead-man's switch over loopback: pinged while we are well, and not otherwise."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
from structlog.testing import capture_logs

from monitor.clock import Clock
from monitor.config.values import Heartbeat
from monitor.heartbeat import Heart, Ping
from probes.secret import Secret, SecretSource
from tests.standins import answers
from tests.standins.server import Server

SECRET_PATH = "/ping/0123-4567"


class Switch(Server):
    """Takes pings at one secret path."""

    def __init__(self) -> None:
        super().__init__()
        self._app.router.add_post(SECRET_PATH, answers.status(200, "OK"))


@dataclass
class Patient:
    """Whether we are well, and what became of each beat."""

    well: bool = True
    pings: list[Ping] = field(default_factory=list)


@asynccontextmanager
async def beating(url: str, patient: Patient, *, every_s: float = 60.0) -> AsyncIterator[Heart]:
    """Make a heart that pings `url`."""
    heartbeat = Heartbeat(
        url=SecretSource(Secret(url)), every_s=every_s, allow_http=True, allow_private=True
    )
    heart = Heart(heartbeat, Clock(), lambda: patient.well, patient.pings.append)
    yield heart
    await heart.close()


async def test_it_beats_while_we_are_well() -> None:
    """One POST a beat; none while we are not."""
    patient = Patient()
    async with Switch() as switch, beating(switch.origin + SECRET_PATH, patient) as heart:
        await heart.beat()
        patient.well = False
        await heart.beat()
        patient.well = True
        await heart.beat()
    assert patient.pings == [Ping.SENT, Ping.WITHHELD, Ping.SENT]
    assert switch.requests == 2


@pytest.mark.parametrize(
    "answer", [answers.status(404), answers.status(302), answers.status(500), answers.reset]
)
async def test_a_switch_that_does_not_take_it(answer: answers.Answer) -> None:
    """Counted and told, without its URL; the next beat is another attempt."""
    patient = Patient()
    async with Switch() as switch, beating(switch.origin + SECRET_PATH, patient) as heart:
        switch.script.append(answer)
        with capture_logs() as logs:
            await heart.beat()
            await heart.beat()
    assert patient.pings == [Ping.FAILED, Ping.SENT]
    assert [each["event"] for each in logs] == ["heartbeat.failed", "heartbeat.sent"]
    assert "0123-4567" not in str(logs)


async def test_a_switch_that_hangs_costs_one_beat() -> None:
    """A ping ends before the next one is due."""
    patient = Patient()
    url = SECRET_PATH
    async with Switch() as switch, beating(switch.origin + url, patient, every_s=0.1) as heart:
        switch.script.append(answers.hang)
        await heart.beat()
    assert patient.pings == [Ping.FAILED]


async def test_it_is_told_when_it_changes_and_counted_always() -> None:
    """A night without a beat is one line in the log."""
    patient = Patient(well=False)
    async with beating("http://127.0.0.1:9/", patient) as heart:
        with capture_logs() as logs:
            for _ in range(3):
                await heart.beat()
    assert patient.pings == [Ping.WITHHELD] * 3
    assert [each["event"] for each in logs] == ["heartbeat.withheld"]


async def test_an_address_that_cannot_be_used_is_told() -> None:
    """Not http at all: it fails at each beat, and the daemon goes on."""
    patient = Patient()
    async with beating("gopher://x", patient) as heart:
        await heart.beat()
    assert patient.pings == [Ping.FAILED]
