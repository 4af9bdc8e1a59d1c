"""What is to be quiet, as the daemon sees it."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from aggregator.ledger import Ledger
from alerting.match import Match
from alerting.routing.maintenance import Maintenance, parse_every
from alerting.routing.silence import Silence
from alerting.routing.silence_store import SILENCES, add_silence, expire_silence, load_silences
from alerting.state import Firing
from monitor.clock import Clock
from monitor.mutes import Mutes
from tests.unit.alerting.failing_ledger import FailingLedger
from tests.unit.alerting.routing.routed import identity

NOW = 1_795_312_800.0  # 2026-11-22 02:00 UTC, a Sunday
CHAT = Match((("target", ("chat",)),))
SILENCE = Silence("ab12", CHAT, NOW, NOW + 3600, "ann", "they told us")
DOWN = identity()
LABELS = dict(DOWN.labels)
FIRING = {DOWN: Firing(NOW, NOW)}


class Desk:
    """Mutes over a ledger, at a time that can be set."""

    def __init__(self, ledger: Ledger, *, alone: bool = True) -> None:
        self.now = NOW
        self.ledger = ledger
        window = Maintenance(CHAT, parse_every("Sun 04:00-05:00"), "UTC", "Sun 04:00-05:00 UTC")
        clock = Clock(lambda: self.now, lambda: self.now)
        self.mutes = Mutes(
            ledger, (window,), clock, lambda labels: labels.get("explained", ""), alone=alone
        )

    async def why(self, after_s: float = 0.0) -> str:
        """Look, and say why the alert is kept quiet so long after NOW."""
        self.now = NOW + after_s
        await self.mutes.refresh(FIRING)
        return self.mutes.why(LABELS, self.now)

    async def add(self, silence: Silence) -> None:
        """Write a silence as the command does."""
        await self.ledger.write(lambda c: add_silence(c, silence, NOW))


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    """Make an empty ledger."""
    ledger = Ledger.open(tmp_path / "sonde.db", (SILENCES,), inline=True)
    yield Desk(ledger)
    await ledger.close()


async def test_a_silence_is_noticed_at_the_next_look_and_ends_by_itself(desk: Desk) -> None:
    """Nothing has to be told to the daemon."""
    assert await desk.why() == ""
    await desk.add(SILENCE)
    assert desk.mutes.why(LABELS) == ""
    assert "silence ab12 of ann" in await desk.why()
    assert list(desk.mutes.silences) == [SILENCE]
    assert desk.mutes.why(LABELS | {"target": "embed"}) == ""
    assert await desk.why(3600) == ""
    assert list(desk.mutes.silences) == []


async def test_a_silence_that_was_ended_is_over_at_the_next_look(desk: Desk) -> None:
    """As `sonde silence expire` does it."""
    await desk.add(SILENCE)
    assert await desk.why(10)
    await desk.ledger.write(lambda c: expire_silence(c, "ab12", NOW + 20))
    assert await desk.why(20) == ""


async def test_maintenance_and_other_alerts_speak_after_people(desk: Desk) -> None:
    """A silence, then the calendar, then what explains it."""
    assert "maintenance Sun 04:00-05:00 UTC" in await desk.why(2 * 3600)
    assert await desk.why(3 * 3600) == ""
    assert desk.mutes.why(LABELS | {"explained": "by another"}) == "by another"


async def test_an_acknowledgement_ends_with_its_alert(desk: Desk) -> None:
    """While it fires or waits it stands; then it is ended in the ledger, and told in the log."""
    match = Match((("fingerprint", (DOWN.fingerprint,)),))
    await desk.add(replace(SILENCE, match=match, until_resolved=True))
    labels = LABELS | {"fingerprint": DOWN.fingerprint}
    await desk.mutes.refresh(FIRING)
    assert desk.mutes.why(labels) == "acknowledged by ann: they told us"
    desk.now += 60
    with capture_logs() as logs:
        await desk.mutes.refresh({identity("Other"): Firing(NOW, NOW)})
    assert desk.mutes.why(labels) == ""
    assert [each["event"] for each in logs] == ["silence.resolved"]
    assert await desk.ledger.read(lambda c: load_silences(c, NOW + 60)) == ()


async def test_while_the_ledger_cannot_be_read_what_is_known_stands(desk: Desk) -> None:
    """Until its own end; that it cannot be read is said once."""
    await desk.add(SILENCE)
    assert await desk.why()
    await desk.ledger.close()
    with capture_logs() as logs:
        assert "silence ab12" in await desk.why(60)
        assert await desk.why(3600) == ""
    assert [each["event"] for each in logs] == ["silences.not_read"]


ACKNOWLEDGED = replace(
    SILENCE, match=Match((("fingerprint", (DOWN.fingerprint,)),)), until_resolved=True
)


async def test_a_replica_ends_what_it_saw_alone(desk: Desk) -> None:
    """Of an alert that only others know, by their results or at their place, they say the end."""
    replica = Desk(desk.ledger, alone=False)
    await replica.add(ACKNOWLEDGED)
    await replica.mutes.refresh({})
    assert list(replica.mutes.silences) == [ACKNOWLEDGED]
    await replica.mutes.refresh(FIRING)
    follower = Desk(desk.ledger, alone=False)
    follower.mutes.take_over(replica.mutes)
    assert list(follower.mutes.silences) == [ACKNOWLEDGED]
    follower.now += 60
    await follower.mutes.refresh({})
    assert list(follower.mutes.silences) == []
    assert await desk.ledger.read(lambda c: load_silences(c, NOW + 60)) == ()


async def test_an_end_that_could_not_be_written_is_not_forgotten(tmp_path: Path) -> None:
    """The next look writes it."""
    ledger = FailingLedger.open(tmp_path / "full.db", (SILENCES,), inline=True)
    assert isinstance(ledger, FailingLedger)
    replica = Desk(ledger, alone=False)
    await replica.add(ACKNOWLEDGED)
    await replica.mutes.refresh(FIRING)
    ledger.full = True
    with capture_logs() as logs:
        await replica.mutes.refresh({})
    assert [each["event"] for each in logs] == ["silences.not_read"]
    ledger.full = False
    replica.now += 60
    await replica.mutes.refresh({})
    assert await ledger.read(lambda c: load_silences(c, NOW + 60)) == ()
    await ledger.close()
