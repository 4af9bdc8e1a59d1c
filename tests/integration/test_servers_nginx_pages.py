"""nginx serves a status page, and we ask for it as gently as a browser that knows it would."""

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from monitor.polled.fetch import Document, Fetcher, FetchError, Validators
from monitor.status_pages.page import PageState
from monitor.status_pages.watch import parse
from tests.servers.nginx import nginx_server
from tests.servers.running import free_port

WALL = 1_795_255_200.0
SITE = """\
server {{
  listen 127.0.0.1:{port};
  location /ready {{ return 204; }}
  location /moved {{ return 301 http://$http_host/api/v2/summary.json; }}
  location /away {{ return 302 https://status.example.com/; }}
  location /limited {{ add_header Retry-After 90 always; return 429; }}
  location / {{ root {root}; default_type application/json; gzip on; gzip_types *; }}
}}"""
SUMMARY = '{"components": [{"name": "Chat Completions", "status": "operational"}]}' + " " * 2_000


@pytest.fixture
async def fetcher() -> AsyncIterator[Fetcher]:
    made = Fetcher()
    yield made
    await made.close()


@contextmanager
def site(scratch: Path) -> Iterator[tuple[str, Path]]:
    """Serve a summary; yield the site's address and the file."""
    root, port = scratch / "site", free_port()
    page = root / "api" / "v2" / "summary.json"
    page.parent.mkdir(parents=True)
    page.write_text(SUMMARY)
    http = SITE.format(port=port, root=root)
    with nginx_server(scratch, http, ready=f"http://127.0.0.1:{port}/ready"):
        yield f"http://127.0.0.1:{port}", page


async def test_a_page_is_fetched_once_and_confirmed_after_that(
    fetcher: Fetcher, tmp_path: Path
) -> None:
    """Nginx's own ETag and date come back to it: 304, until the page changes."""
    with site(tmp_path) as (url, page):
        where = f"{url}/api/v2/summary.json"
        first = await fetcher.fetch(where, Validators(), WALL)
        assert isinstance(first, Document)
        assert first.validators.etag is not None
        assert first.validators.last_modified is not None
        assert parse(first.body).components[0].state is PageState.OPERATIONAL
        assert await fetcher.fetch(where, first.validators, WALL) is None
        page.write_text(SUMMARY.replace("operational", "major_outage"))
        second = await fetcher.fetch(where, first.validators, WALL)
        assert isinstance(second, Document)
        assert parse(second.body).components[0].state is PageState.OUTAGE


async def test_a_page_that_moved_or_is_busy(fetcher: Fetcher, tmp_path: Path) -> None:
    """Within the site it is followed; elsewhere it is not; a limit says for how long."""
    with site(tmp_path) as (url, _):
        assert await fetcher.fetch(f"{url}/moved", Validators(), WALL) is not None
        with pytest.raises(FetchError, match="another host"):
            await fetcher.fetch(f"{url}/away", Validators(), WALL)
        with pytest.raises(FetchError, match="HTTP 429") as caught:
            await fetcher.fetch(f"{url}/limited", Validators(), WALL)
    assert caught.value.retry_after_s == 90.0
