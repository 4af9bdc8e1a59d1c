"""Thousands of short stories in virtual time, and every promise held against what happened."""

import os
import subprocess
import sys
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import pytest

from tests.simulation.lives import run_story
from tests.simulation.mutants import MUTANTS, PINNED
from tests.simulation.story import Disk, Jump, Refusal, Trouble, story_of

ROOT: Final = Path(__file__).parents[2]
SEEDS: Final = int(os.environ.get("SONDE_SIMULATION_SEEDS", "2000"))
PAGES: Final = 10
BASE: Final = datetime.now(UTC).date().toordinal() % PAGES * SEEDS
"""Other stories every day, all of them among the 20,000 that `make sim` runs: a change to the code
is to blame when one breaks, and not the day."""


def simulated(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the simulation as people do."""
    command = (sys.executable, "-m", "tests.simulation", *arguments)
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.mark.timeout(1_800)
def test_every_promise_is_kept_in_every_story() -> None:
    """Crashes, broken receivers, full disks and wrong clocks lose, double and invent nothing."""
    ran = simulated("--seeds", str(SEEDS), "--base", str(BASE))
    sys.stdout.write(ran.stdout)
    assert ran.returncode == 0, ran.stdout + ran.stderr


@pytest.mark.timeout(600)
def test_every_planted_bug_is_found() -> None:
    """A simulation that finds no bug proves nothing: each planted one breaks a promise."""
    assert set(PINNED) == set(MUTANTS)
    assert len(MUTANTS) >= 10
    ran = simulated("--pinned")
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_a_story_repeats_itself(tmp_path: Path) -> None:
    """The same seed is the same story, to the last event: what broke can be looked at again."""
    logs = []
    for folder in (tmp_path / "one", tmp_path / "other"):
        folder.mkdir()
        logs.append(run_story(PINNED["marked before sent"][0], folder).witness.log)
    assert logs[0] == logs[1]
    assert len(logs[0]) >= 5


def test_stories_have_everything_that_goes_wrong() -> None:
    """Among some hundred seeds each trouble, refusal, disk and clock occurs, and quiet ones do."""
    kinds: Counter[str] = Counter()
    for story in map(story_of, range(500)):
        kinds.update(
            str(each.kind) for each in (*story.spells, *story.cuts, *story.sinks, *story.disks)
        )
        kinds.update(str(leap.kind) for leap in story.leaps)
        kinds["kill"] += sum(bool(life.killed_after) for life in story.lives)
        kinds["silence"] += len(story.silences)
        kinds["quiet"] += not story.faults_of_ours
        kinds["reconfigured"] += len({life.config.rules for life in story.lives}) > 1
    wanted = {*Trouble, *Refusal, *Disk, *Jump, "cut", "kill", "silence", "quiet", "reconfigured"}
    assert {str(kind) for kind in wanted if kinds[str(kind)] < 10} == set()
