"""What every test shares."""

import asyncio
from collections.abc import Iterator

import pytest
import structlog
from hypothesis import settings

settings.register_profile("sonde", settings(), deadline=None)  # a busy machine breaks no rule
settings.load_profile("sonde")

pytest_plugins = ["tests.servers.fixtures", "tests.stages"]


@pytest.fixture(scope="session", autouse=True)
def standing_loop() -> Iterator[None]:
    """A loop that stands between tests and is closed after the last.

    On Python 3.11 the policy makes one silently when pytest-asyncio looks for the current loop,
    and nobody closes it: that warning would hide leaks of our own, which stay errors.
    """
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    yield
    loop.close()


@pytest.fixture(scope="module", autouse=True)
def quiet_logs() -> None:
    """Log events go nowhere, unless a test captures them."""
    structlog.reset_defaults()  # a command that ran in this process may have set a level
    structlog.configure(
        processors=[structlog.processors.KeyValueRenderer()],
        logger_factory=structlog.ReturnLoggerFactory(),
        cache_logger_on_first_use=False,
    )
