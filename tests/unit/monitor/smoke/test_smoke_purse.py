"""The money of one round."""

from datetime import date

from monitor.smoke.purse import RoundPurse

DAY = date(2026, 6, 1)


async def test_a_cap_can_be_drawn_once() -> None:
    """The last draw gets the rest; subjects have caps of their own; what is given back is there."""
    purse = RoundPurse()
    assert (await purse.draw("p", DAY, 60, 100)).granted_nusd == 60
    assert (await purse.draw("p", DAY, 60, 100)).granted_nusd == 40
    assert (await purse.draw("", DAY, 60, 100)).granted_nusd == 60
    await purse.give_back("p", DAY, 30)
    assert (await purse.draw("p", DAY, 60, 100)).granted_nusd == 30
    assert not purse.shared


async def test_overruns_are_counted_by_provider() -> None:
    """So that one that bills more than it says is not asked again in this round."""
    purse = RoundPurse()
    await purse.overrun("p", DAY)
    await purse.overrun("p", DAY)
    assert await purse.overruns(DAY) == {"p": 2}
