"""Meet every fault and write the pages about it: `python -m tests.faults [--write] [NAME]`."""

import argparse
import asyncio
import sys

from tests.faults.asked import Asked
from tests.faults.matrix import ROWS, Row
from tests.faults.pages import FAULTS, VERDICTS_PAGE, faults_page, verdicts_page
from tests.faults.run import Met, meet


async def _all(row: Row) -> list[Met]:
    return [await meet(row, asked) for asked in row.asked]


def _tell(row: Row, met: list[Met]) -> bool:
    """Print one row; return whether it came out as the table says."""
    good = True
    for asked, each in zip(row.asked, met, strict=True):
        found = (each.result.verdict, each.result.fault)
        fits = found == (row.verdict, row.fault)
        good = good and fits
        print(  # noqa: T201 - a command
            f"{'  ' if fits else '! '}{row.name} ({asked}): {found[0]}, {found[1]},"
            f" {each.took_s:.2f} s, {each.peak_bytes / 1024:.0f} KiB: {each.result.detail}"
        )
    return good


def main() -> int:
    """Run, tell, and write if asked to. Exit code 1: something came out otherwise."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("name", nargs="?", default="", help="only faults with this in their name")
    parser.add_argument(
        "--write",
        action="store_true",
        help="write docs/verdicts.md, and docs/faults.md if all were met",
    )
    options = parser.parse_args()
    asyncio.run(meet(ROWS[-1], Asked.PLAIN))  # what is loaded once is no fault's memory
    met = {row.name: asyncio.run(_all(row)) for row in ROWS if options.name in row.name}
    good = [_tell(row, met[row.name]) for row in ROWS if row.name in met]
    if options.write:
        VERDICTS_PAGE.write_text(verdicts_page(), encoding="utf-8")
    if options.write and all(good) and len(met) == len(ROWS):
        FAULTS.write_text(faults_page(met), encoding="utf-8")
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())
