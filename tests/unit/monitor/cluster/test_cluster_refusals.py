"""What Redis refuses us is said, and not again and again."""

import pytest
from redis.asyncio import Redis
from redis.exceptions import NoPermissionError
from structlog.testing import capture_logs

from monitor.cluster.link import REFUSALS, AwayError, Link
from monitor.cluster.ways import open_client
from monitor.config.redis_url import parse_redis_url


async def refused(link: Link, reason: str) -> None:
    """Ask for something that is refused."""

    async def work(_client: Redis) -> None:
        raise NoPermissionError(reason)

    link._answers.set()  # as the look does, which needs fewer rights
    with pytest.raises(AwayError):
        await link.ask(work)


async def test_a_missing_right_is_logged_once() -> None:
    """The look may find nothing wrong: without this line nobody would know."""
    link = Link(open_client(parse_redis_url("redis://nowhere"), None), "g")
    with capture_logs() as logs:
        for _ in range(3):
            await refused(link, "no right to run 'xread'")
    assert [(line["event"], line["reason"]) for line in logs] == [
        ("redis.refused", "NoPermissionError no right to run 'xread'")
    ]


async def test_a_server_that_says_ever_more_fills_no_log() -> None:
    """What it says is of its own making."""
    link = Link(open_client(parse_redis_url("redis://nowhere"), None), "g")
    with capture_logs() as logs:
        for number in range(2 * REFUSALS):
            await refused(link, f"no {number}")
    assert len(logs) == REFUSALS
