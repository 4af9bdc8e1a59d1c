"""Fixtures for the servers that others wrote; `make test-servers` installs them.

The two mock providers start once in a session and forget everything before each test.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from tests.servers.aimock import Aimock, aimock_server
from tests.servers.llmock import Llmock, llmock_server
from tests.servers.prometheus import Prometheus, prometheus_server


@pytest.fixture(scope="session")
def _aimock(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Aimock]:
    with aimock_server(tmp_path_factory.mktemp("aimock")) as server:
        yield server


@pytest.fixture
def aimock(_aimock: Aimock) -> Aimock:
    """Return a running aimock without fixtures and without a past."""
    _aimock.reset()
    return _aimock


@pytest.fixture(scope="session")
def _llmock(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Llmock]:
    with llmock_server(tmp_path_factory.mktemp("llmock")) as server:
        yield server


@pytest.fixture
def llmock(_llmock: Llmock) -> Llmock:
    """Return a running llmock without limits, without queued behaviours and without a past."""
    _llmock.reset()
    return _llmock


@pytest.fixture
def limited_llmock(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[int], Llmock]]:
    """Return a function that starts an llmock with a limit of requests per minute."""
    with ExitStack() as stack:
        yield lambda rpm: stack.enter_context(
            llmock_server(tmp_path_factory.mktemp("llmock"), rpm=rpm)
        )


@pytest.fixture
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Prometheus]]:
    """Return a function that starts a Prometheus which scrapes the address it is given."""
    with ExitStack() as stack:
        yield lambda scrape_url: stack.enter_context(
            prometheus_server(scrape_url, tmp_path_factory.mktemp("prometheus"))
        )
