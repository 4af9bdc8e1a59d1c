"""Run every benchmark, or those named: `python -m benchmarks [windows] [evaluation]`."""

import sys

from rich.console import Console

from benchmarks import evaluation, windows

ALL = {"windows": windows.table, "evaluation": evaluation.table}


def main(names: list[str]) -> int:
    unknown = [name for name in names if name not in ALL]
    if unknown:
        print(f"no benchmark {', '.join(unknown)}; there are: {', '.join(ALL)}", file=sys.stderr)
        return 2
    console = Console()
    for name in names or ALL:
        console.print(ALL[name]())
    return 0


raise SystemExit(main(sys.argv[1:]))
