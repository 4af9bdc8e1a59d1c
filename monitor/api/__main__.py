"""Writes the OpenAPI document: `python -m monitor.api > monitor/api/openapi.json`."""

import sys
from typing import NoReturn

from monitor.api.app import api_app
from monitor.api.feed import Feed
from monitor.api.openapi import as_json, document


def _nothing() -> NoReturn:
    raise RuntimeError("there is no daemon here")


if __name__ == "__main__":
    sys.stdout.write(as_json(document(api_app(_nothing, Feed(_nothing)))))
