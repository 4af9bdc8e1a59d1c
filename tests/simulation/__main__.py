"""Runs stories by their seeds: `python -m tests.simulation --seeds 2000`, `--seed 42` for one.

Exits with 1 when a promise was broken; each such seed is named with the command that replays it.
"""

import argparse
import logging
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import Final

import structlog

from tests.simulation import states, telling
from tests.simulation.lives import Ending, run_story
from tests.simulation.mutants import MUTANTS, PINNED, planted

CHUNK: Final = 20
MOST_FOUND: Final = 20
"""Broken seeds that are printed; who has more has one bug, seen often."""
SHARED_MEMORY: Final = Path("/dev/shm")
CHECKS: Final[tuple[Callable[[Ending], Iterator[str]], ...]] = (*telling.CHECKS, *states.CHECKS)

Broken = tuple[int, tuple[str, ...]]
"""A seed, and the promises its story broke, a line each."""


def quieten() -> None:
    """Log nothing: a story has its own witness."""
    structlog.configure(
        processors=[structlog.processors.KeyValueRenderer()],
        wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL),
        logger_factory=structlog.ReturnLoggerFactory(),
        cache_logger_on_first_use=False,
    )


def _say(*lines: str) -> None:
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    sys.stdout.flush()


def judged(seed: int) -> tuple[Ending, tuple[str, ...]]:
    """Run one story; return how it ended, and what was not kept."""
    where = SHARED_MEMORY if SHARED_MEMORY.is_dir() else None
    with tempfile.TemporaryDirectory(dir=where) as folder:
        ending = run_story(seed, Path(folder))
    broken = [f"{check.__name__}: {each}" for check in CHECKS for each in check(ending)]
    return ending, tuple(broken)


def run_seeds(seeds: Sequence[int], mutant: str | None = None) -> list[Broken]:
    """Run stories one after the other; return those that broke a promise."""
    quieten()
    found = []
    with nullcontext() if mutant is None else planted(mutant):
        for seed in seeds:
            broken = _broken(seed)
            if broken:
                found.append((seed, broken))
    return found


def _broken(seed: int) -> tuple[str, ...]:
    try:
        return judged(seed)[1]
    except Exception as error:  # noqa: BLE001 - a crash is a finding, with the seed that has it
        return (f"crashed: {type(error).__name__}: {error}",)


def first_found(mutant: str, seeds: Sequence[int]) -> Broken | None:
    """Return the first of these seeds that finds a planted bug; None: none does."""
    found = (run_seeds((seed,), mutant) for seed in seeds)
    return next((each[0] for each in found if each), None)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what was asked for; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seed", type=int, help="run this one alone, and print its events")
    parser.add_argument("--seeds", type=int, default=2_000, help="how many")
    parser.add_argument("--base", type=int, default=0, help="the first of them")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes")
    parser.add_argument("--mutant", choices=MUTANTS, help="plant this bug")
    parser.add_argument("--mutants", action="store_true", help="say which seed finds which bug")
    parser.add_argument("--pinned", action="store_true", help="find each planted bug where it was")
    options = parser.parse_args(arguments)
    if options.pinned:
        return _find_again(options.jobs)
    if options.seed is not None:
        return _replay(options.seed, options.mutant)
    seeds = range(options.base, options.base + options.seeds)
    if options.mutants:
        return _hunt(seeds, options.jobs)
    return _all(seeds, options.jobs, options.mutant)


def _replay(seed: int, mutant: str | None) -> int:
    quieten()
    with nullcontext() if mutant is None else planted(mutant):
        ending, broken = judged(seed)
    for spell in (*ending.story.spells, *ending.story.cuts, *ending.story.sinks):
        _say(f"{spell.from_s:9.2f} - {spell.to_s:.2f} {spell.of}: {spell.kind}")
    for spell in ending.story.disks:
        _say(f"{spell.from_s:9.2f} - {spell.to_s:.2f} disk: {spell.kind}")
    for leap in ending.story.leaps:
        _say(f"{leap.at_s:9.2f} {leap.kind} by {leap.by_s:g} s")
    for silence in ending.story.silences:
        _say(f"{silence.from_s:9.2f} - {silence.to_s:.2f} {silence.target}: silenced")
    for at, text in ending.witness.log:
        _say(f"{at:9.2f} {text}")
    _say(*(broken or ["every promise was kept"]))
    return 1 if broken else 0


def _all(seeds: range, jobs: int, mutant: str | None) -> int:
    began = time.monotonic()
    chunks = [seeds[at : at + CHUNK] for at in range(0, len(seeds), CHUNK)]
    found: list[Broken] = []
    with ProcessPoolExecutor(jobs) as pool:
        for each in pool.map(partial(run_seeds, mutant=mutant), chunks):
            found += each
    for seed, broken in found[:MOST_FOUND]:
        _say(f"seed {seed}:", *(f"  {each}" for each in broken[:3]))
        _say(f"  replay: python -m tests.simulation --seed {seed}")
    took_s = time.monotonic() - began
    _say(f"seeds {seeds.start}-{seeds.stop - 1}: {len(found)} broke a promise, {took_s:.0f} s")
    return 1 if found else 0


def _hunt(seeds: range, jobs: int) -> int:
    """Say for each planted bug which seed is the first that finds it."""
    with ProcessPoolExecutor(jobs) as pool:
        missed = 0
        for name, found in zip(
            MUTANTS, pool.map(partial(first_found, seeds=seeds), MUTANTS), strict=True
        ):
            missed += _tell_found(name, found)
    return 1 if missed else 0


def _find_again(jobs: int) -> int:
    """Look for each planted bug in a few stories that find it, and keep every promise without."""
    every = sorted({seed for seeds in PINNED.values() for seed in seeds})
    with ProcessPoolExecutor(jobs) as pool:
        missed = 0
        for name, found in zip(PINNED, pool.map(first_found, PINNED, PINNED.values()), strict=True):
            missed += _tell_found(name, found)
        sound = [
            each for found in pool.map(run_seeds, [[seed] for seed in every]) for each in found
        ]
    for seed, broken in sound:
        _say(f"seed {seed} breaks a promise without any of them: {broken[0]}")
    return 1 if missed or sound else 0


def _tell_found(name: str, found: Broken | None) -> bool:
    """Print where a bug was found; say whether it was not."""
    said = "not found" if found is None else f"seed {found[0]}: {found[1][0]}"
    _say(f"{name:32} {said}")
    return found is None


if __name__ == "__main__":
    if os.environ.get("PYTHONHASHSEED") != "0":  # the order of a set is chance, too
        again = [sys.executable, "-m", "tests.simulation", *sys.argv[1:]]
        os.execve(sys.executable, again, {**os.environ, "PYTHONHASHSEED": "0"})
    sys.exit(main())
