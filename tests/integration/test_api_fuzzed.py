"""The API against its own document, by schemathesis, and the document against the code."""

import asyncio
import sys
from pathlib import Path
from typing import NoReturn

import pytest

from monitor.api.app import api_app
from monitor.api.feed import Feed
from monitor.api.openapi import as_json, document
from tests.integration.api_served import served

HERE = Path(__file__).parent
KEPT = Path("monitor/api/openapi.json")


def nothing() -> NoReturn:
    raise AssertionError("a document needs no daemon")


def test_the_document_that_is_kept_is_the_codes() -> None:
    """The dashboard's types are made from it.

    Written by `python -m monitor.api > monitor/api/openapi.json`.
    """
    made = as_json(document(api_app(nothing, Feed(nothing))))
    assert made == KEPT.read_text(encoding="utf-8")


@pytest.mark.timeout(180)
async def test_nothing_it_is_asked_surprises_it(tmp_path: Path) -> None:
    """All checks of schemathesis, on a daemon that runs, with a ledger that has something in it.

    No 5xx, no status, header or content type that is not in the document, no answer unlike its
    model; what breaks the document is refused, and what is made can be found. How it is run stands
    in schemathesis.toml.
    """
    async with served(tmp_path) as daemon:
        await daemon.firing()
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "schemathesis.cli"),
            *("--config-file", str(HERE / "schemathesis.toml")),
            *("run", f"{daemon.url}/api/v1/openapi.json", "--url", f"{daemon.url}/api/v1"),
            *("--checks", "all", "--no-color"),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            cwd=tmp_path,
        )
        said, _ = await process.communicate()
        assert process.returncode == 0, said.decode()[-5000:]
