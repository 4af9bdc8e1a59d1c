"""Write the public status page as files, for a web server or a bucket to serve.

examples:
  sonde status-page --output public/                 index.html, status.css, status.json
  sonde status-page --output public/ --config FILE   of this configuration

The page is the one a daemon serves under /status: what public_page names, and nothing else. It is
made from the ledger, beside a running daemon, and as old as its last line says: write it anew every
minute or so. Each file is replaced whole.
"""

import argparse
import asyncio
import json
import sys
from pathlib import Path

from aggregator.ledger import LedgerError
from aggregator.stores.history import HistoryError
from alerting.routing.record import read_standing
from monitor.cli.beside import configured, reading
from monitor.cli.output import put, words
from monitor.clock import Clock
from monitor.config.errors import ConfigError
from monitor.config.values import Config
from monitor.histories import open_history
from monitor.public.gather import gather
from monitor.public.page import STYLE, as_json, render, stylesheet
from monitor.public.view import PublicView


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("--output", type=Path, metavar="FOLDER", help="where the files go")
    parser.add_argument("--config", type=Path, help="configuration (default: as sonde run)")
    parser.add_argument("--json", action="store_true", help="print status.json, write no file")


def run(arguments: argparse.Namespace) -> int:
    """Write the page; 0: done, 1: what is needed cannot be read or written, 2: a mistake."""
    try:
        config = configured(arguments.config)
        if config.public_page is None:
            return _refuse(f"{config.source} public_page: not configured: name its components")
        if arguments.output is None and not arguments.json:
            return _refuse("--output FOLDER: where shall the files go?")
        view = asyncio.run(_view(config, Clock().wall()))
        if arguments.json:
            put(json.dumps(as_json(view), indent=2) + "\n")
        else:
            _write(arguments.output, view)
    except ConfigError as error:
        return _refuse(str(error))
    except BrokenPipeError:  # its reader has seen enough
        return 1
    except (HistoryError, LedgerError, OSError) as error:
        sys.stderr.write(f"{words(error)}\n")
        return 1
    return 0


def _refuse(problem: str) -> int:
    sys.stderr.write(f"{problem}\n")
    return 2


async def _view(config: Config, now: float) -> PublicView:
    standing = reading(config.store.path, read_standing)
    async with open_history(config) as history:
        return await gather(config, history, standing, now)


def _write(folder: Path, view: PublicView) -> None:
    """Replace each file at once: whoever reads meanwhile gets the old one or the new one."""
    folder.mkdir(parents=True, exist_ok=True)
    files = {
        "index.html": render(view),
        STYLE: stylesheet(),
        "status.json": json.dumps(as_json(view)),
    }
    for name, text in files.items():
        draft = folder / f".{name}.new"
        draft.write_text(text, encoding="utf-8")
        draft.replace(folder / name)
