"""Fenced blocks of pages: their language, where they stand, and what is asked to be done with them.

A line `<!-- example: … -->` above a block says more than its language does:

    file NAME          the page's runner writes the block to NAME
    run [until TEXT]   it is run there; again for a while, until TEXT is in what it prints
    background         it is started there, and ended with the page
    MetricsQL          VictoriaMetrics' own language, beyond Prometheus'
"""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
PAGES: Final = (
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "CHANGELOG.md",
    *sorted((ROOT / "docs").rglob("*.md")),
)

_FENCE: Final = re.compile(
    r"^(?:[ ]*<!-- example: (?P<asked>[^\n]*?) -->\n)?"
    r"(?P<indent>[ ]*)(?P<fence>```+)(?P<info>[^\n]*)\n(?P<text>.*?)^(?P=indent)(?P=fence)[ ]*$",
    re.MULTILINE | re.DOTALL,
)
_MENTIONED: Final = re.compile(r"`(sonde [^`]+)`")
_PROMPT: Final = "$ "
_JOINS: Final = frozenset("|&;")


@dataclass(frozen=True, slots=True)
class Block:
    """One fenced block."""

    page: Path
    line: int
    language: str
    text: str
    asked: str = ""
    """What the comment above it asks for; empty: nothing."""

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def blocks(page: Path) -> Iterator[Block]:
    """Yield the blocks of a page, in their order."""
    text = page.read_text(encoding="utf-8")
    for found in _FENCE.finditer(text):
        line = text.count("\n", 0, found.start("fence")) + 1
        indent = found["indent"]
        inner = "".join(each.removeprefix(indent) for each in found["text"].splitlines(True))
        yield Block(page, line, found["info"].strip(), inner, (found["asked"] or "").strip())


def mentioned(page: Path) -> Iterator[str]:
    """Yield the commands of ours that a page names in a sentence."""
    prose = _FENCE.sub("", page.read_text(encoding="utf-8"))
    yield from (" ".join(words.split()) for words in _MENTIONED.findall(prose))


def command_lines(block: Block) -> list[str]:
    """Return what a shell is given; where some lines have a prompt, the others are printed."""
    lines = block.text.replace("\\\n", " ").splitlines()
    prompted = [line.removeprefix(_PROMPT) for line in lines if line.startswith(_PROMPT)]
    return prompted or [line for line in lines if line.strip() and not line.startswith("#")]


def commands(line: str) -> Iterator[list[str]]:
    """Yield the programs that a line runs, each with its arguments, without its variables."""
    words: list[str] = []
    lexer = shlex.shlex(line, posix=True, punctuation_chars="|&;<>")
    lexer.whitespace_split = True
    for word in [*lexer, ";"]:
        if not set(word) <= _JOINS:
            words.append(word)
            continue
        while words and re.fullmatch(r"\w+=.*", words[0], re.DOTALL):
            del words[0]
        if words:
            cut = next((i for i, each in enumerate(words) if set(each) <= set("<>")), len(words))
            yield words[:cut]
        words = []
