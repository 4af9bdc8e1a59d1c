"""What people do not hear: silences, acknowledgements, maintenance, and what others explain."""

from pathlib import Path

import pytest

from alerting.match import Match
from alerting.routing.maintenance import Maintenance, Once
from alerting.routing.muting import when_text
from alerting.routing.record import Wanted, read_entries, read_standing
from alerting.routing.silence import Silence
from alerting.routing.silence_store import add_silence, load_silences
from monitor.cli.beside import reading
from monitor.config.load import load
from monitor.config.values import Config
from probes.target import Target
from tests.virtual.road import START, Found, Virtual, hang

pytestmark = pytest.mark.looptime

FINE = Found(0.5)
OUTAGE_S = 600.0


def config(folder: Path, models: int = 5, more: str = "") -> Config:
    """Return a configuration of one key with so many models."""
    names = ", ".join(f"m{number}" for number in range(models))
    path = folder / "sonde.yaml"
    path.write_text(
        "egress: {check: false}\nstatus_pages: false\n"
        'providers: {house: {preset: compatible, base_url: "http://127.0.0.1:9/v1"}}\n'
        f"targets: [{{name: 't-{{model}}', provider: house, models: [{names}]}}]\n{more}"
    )
    return load(path, {"HOME": str(folder)}, cwd=folder, strict=False).config


def down(target: Target, at: float) -> Found:
    """All models hang from ten minutes on, for half an hour."""
    return hang(target) if OUTAGE_S <= at < OUTAGE_S + 1800 else FINE


async def test_of_a_provider_that_goes_down_one_alert_speaks(tmp_path: Path) -> None:
    """The first model's alert is as early as ever; when most fail, the rest is held back."""
    road = Virtual(config(tmp_path), tmp_path, down)
    await road.run(OUTAGE_S + 3600)
    fired = [(name, at) for _, name, _, at in _alerts(road, "firing")]
    first = fired[0]
    assert first[0] == "Down"
    assert first[1] - OUTAGE_S <= 230
    names = [name for name, _ in fired]
    assert names.count("ProviderDown") == 1
    (told,) = [at for name, at in fired if name == "ProviderDown"]
    assert told - first[1] <= 60
    assert not [name for name, at in fired if at > told]
    assert len({each for each in _alerts(road, "firing") if each[1] == "Down"}) <= 3
    assert {each[0] for each in _alerts(road, "resolved")} == {
        each[0] for each in _alerts(road, "firing")
    }


async def test_two_models_of_five_speak_for_themselves(tmp_path: Path) -> None:
    """Which fail is news; the quieter alerts of the same models are none."""

    def two(target: Target, at: float) -> Found:
        return down(target, at) if target.model in ("m0", "m1") else FINE

    road = Virtual(config(tmp_path), tmp_path, two)
    await road.run(OUTAGE_S + 3600)
    fired = {(name, of) for _, name, of, _ in _alerts(road, "firing")}
    assert {of for name, of in fired if name == "Down"} == {"t-m0", "t-m1"}
    assert {name for name, _ in fired} <= {"Down", "ErrorRate", "CriticalLatency"}


async def test_a_silence_keeps_quiet_until_it_ends(tmp_path: Path) -> None:
    """It is told when the silence is over, and the ledger says what happened."""
    road = Virtual(config(tmp_path, 1), tmp_path, down)
    ends_at = START + OUTAGE_S + 1200
    silence = Silence("s1", Match((("target", ("t-*",)),)), START, ends_at, "ann", "we know")
    await road.ledger.write(lambda c: add_silence(c, silence, START))
    await road.run(OUTAGE_S + 1800)
    entries = reading(tmp_path / "virtual.db", lambda c: read_entries(c, Wanted("Down"), 0.0))
    story = [f"{each.event} {each.detail}" for each in entries]
    downs = [at for _, name, _, at in _alerts(road, "firing") if name == "Down"]
    assert [round(at - OUTAGE_S - 1200) for at in downs] == [pytest.approx(0, abs=10)]
    assert f"muted silence s1 of ann, until {when_text(ends_at)}: we know" in story
    assert any(each.startswith("told ") for each in story)


async def test_an_acknowledgement_ends_with_its_alert(tmp_path: Path) -> None:
    """The next outage of the same target is news."""

    def twice(target: Target, at: float) -> Found:
        return hang(target) if (at // 1800) % 2 == 1 else FINE

    settings = config(tmp_path, 1, "rules: [{name: ErrorRate, enabled: false}]\n")
    await Virtual(settings, tmp_path, twice).run(1800 + 400, killed=True)
    (found,) = [
        each
        for each in reading(tmp_path / "virtual.db", read_standing)
        if each.identity.rule == "Down"
    ]
    again = Virtual(settings, tmp_path, twice, after_s=2210)
    match = Match((("fingerprint", (found.identity.fingerprint,)),))
    now = START + 2210
    ack = Silence("a1", match, now, now + 86_400, "ann", "on it", until_resolved=True)
    await again.ledger.write(lambda c: add_silence(c, ack, now))
    await again.run(4 * 1800 - 2210)
    left = reading(tmp_path / "virtual.db", lambda c: load_silences(c, START + 4 * 1800))
    assert left == ()
    downs = [at for _, name, _, at in _alerts(again, "firing") if name == "Down"]
    assert [at // 1800 for at in downs] == [3]


async def test_maintenance_is_quiet_and_probes_go_on(tmp_path: Path) -> None:
    """What fires within it and is over before its end nobody hears of."""
    road = Virtual(
        config(
            tmp_path,
            1,
            "maintenance: [{match: {provider: house},"
            ' from: "2025-06-15 15:00", until: "2025-06-15 18:00"}]\n',
        ),
        tmp_path,
        down,
    )
    assert isinstance(road.road.config.maintenance[0], Maintenance)
    assert isinstance(road.road.config.maintenance[0].times, Once)
    await road.run(OUTAGE_S + 5400)
    assert road.recorder.told == []
    assert road.road.windows.summary(("t-m0",), 900.0, START + OUTAGE_S + 5400).n > 10


def _alerts(road: Virtual, status: str) -> list[tuple[str, str, str, float]]:
    """Return fingerprint, name, target and time of each alert the first time it is told so."""
    found: dict[str, tuple[str, str, str, float]] = {}
    for at, notification in road.recorder.told:
        for news in notification.alerts:
            if news.status.value == status:
                target = dict(news.labels).get("target", "")
                found.setdefault(news.fingerprint, (news.fingerprint, news.alertname, target, at))
    return list(found.values())
