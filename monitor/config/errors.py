"""Configuration errors: one clear line each, all of them at once."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong: where, what, what was expected, how to mend it."""

    source: str
    """File name, `.env` file, or "environment"."""
    message: str
    path: str = ""
    """Dotted key path such as `targets[2].interval`."""
    line: int | None = None
    """Counted from 1; None when there is no line to point at."""
    column: int | None = None

    def __str__(self) -> str:
        place = self.source
        if self.line is not None:
            place += f":{self.line}:{self.column if self.column is not None else 1}"
        return f"{place} {self.path}: {self.message}" if self.path else f"{place}: {self.message}"


class ConfigError(Exception):
    """The configuration cannot be used; `problems` holds every reason found."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = problems
