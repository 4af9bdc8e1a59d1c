"""Run the simulator until SIGTERM or SIGINT: `python -m monitor.simulator --script demo`.

When it is ready it prints one line of JSON with its address; nothing else goes to stdout.
"""

import argparse
import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import Sequence
from typing import Final

from aiohttp import web

from monitor.simulator.script import SCRIPTS
from monitor.simulator.server import Simulator

SHUTDOWN_S: Final = 0.2
"""How long requests that are being answered may go on after the signal."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run from the command line; returns the exit code (1: the address could not be bound)."""
    args = _parser().parse_args(argv)
    simulator = Simulator(
        SCRIPTS[args.script](args.seconds),
        wall=time.time,
        seed=args.seed,
        key=args.key,
        models=tuple(args.model),
    )
    try:
        asyncio.run(_serve(simulator, args.host, args.port))
    except OSError as error:
        sys.stderr.write(f"simulator: cannot listen on {args.host}:{args.port}: {error}\n")
        return 1
    return 0


async def _serve(simulator: Simulator, host: str, port: int) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    runner = web.AppRunner(
        simulator.application(),
        handler_cancellation=True,
        shutdown_timeout=SHUTDOWN_S,
        access_log=None,
    )
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
        _announce(simulator, runner)
        await stop.wait()
    finally:
        await runner.cleanup()


def _announce(simulator: Simulator, runner: web.AppRunner) -> None:
    host, port = runner.addresses[0][:2]
    url = f"http://{f'[{host}]' if ':' in host else host}:{port}"
    ready = {
        "url": url,
        "base_url": f"{url}/v1",
        "script": simulator.script.name,
        "seconds": simulator.script.seconds,
        "pid": os.getpid(),
    }
    sys.stdout.write(json.dumps(ready) + "\n")
    sys.stdout.flush()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m monitor.simulator",
        description="An OpenAI-compatible provider that has incidents on schedule.",
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to bind (%(default)s)")
    parser.add_argument("--port", type=int, default=0, help="0, the default, picks a free port")
    parser.add_argument(
        "--script", choices=tuple(SCRIPTS), default="demo", help="what happens (%(default)s)"
    )
    parser.add_argument(
        "--seconds", type=_positive, default=60.0, help="length of the play (%(default)s)"
    )
    parser.add_argument("--seed", type=int, default=0, help="repeats pace and identifiers")
    parser.add_argument("--key", help="the only API key that passes (default: any)")
    parser.add_argument(
        "--model", action="append", default=[], help="serve this model too; may be repeated"
    )
    return parser


def _positive(text: str) -> float:
    seconds = float(text)
    if not 0 < seconds < float("inf"):
        raise ValueError(text)
    return seconds


if __name__ == "__main__":
    sys.exit(main())
