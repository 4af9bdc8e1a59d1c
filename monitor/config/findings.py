"""Everything found wrong with one configuration: collected, so that all of it is told at once."""

from dataclasses import dataclass, field

from monitor.config.document import Document, KeyPath
from monitor.config.errors import Problem


@dataclass(slots=True)
class Findings:
    """Collects problems, which refuse the configuration, and warnings, which do not."""

    document: Document
    strict: bool
    """Whether a bad credential is a problem. At run time it is a warning: it costs its own
    provider or channel, not the whole daemon."""
    problems: list[Problem] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)
    _told: set[Problem] = field(default_factory=set)
    """What was added, so that a problem seen from several targets is told once."""

    def bad(
        self, path: KeyPath, message: str, *, key: bool = False, offset: int | None = None
    ) -> None:
        """Add a problem, unless the value at `path` was already found unreadable."""
        problem = self.document.problem(path, message, key=key, offset=offset)
        if not self.document.reported(path) and problem not in self._told:
            self._told.add(problem)
            self.problems.append(problem)

    def warn(self, path: KeyPath, message: str) -> None:
        """Add a warning, once."""
        problem = self.document.problem(path, message)
        if problem not in self.warnings:
            self.warnings.append(problem)

    def credential(self, path: KeyPath, message: str) -> None:
        """Add what is wrong with a credential: a problem when strict, else a warning."""
        if self.strict:
            self.bad(path, message)
        else:
            self.warn(path, message)
