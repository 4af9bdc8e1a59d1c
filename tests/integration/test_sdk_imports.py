"""The openai SDK sends no probe of ours: where it is imported at all, it is judge or rival."""

import ast
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
SDK: Final = "openai"
ALLOWED: Final = {
    "benchmarks/clients/sdk.py": "a rival in the comparison",
    "benchmarks/clients/tutorial.py": "a rival in the comparison",
    "benchmarks/wire.py": "a rival in the comparison",
    "tests/integration/test_sdk_oracle.py": "the judge of what an answer means",
    "tests/integration/test_sdk_oracle_responses.py": "the judge of what a response means",
    "tests/integration/test_sdk_oracle_requests.py": "the judge of what a request looks like",
    "tests/integration/test_servers_mocks.py": "the judge of the servers we test against",
    "tests/integration/test_simulator_process.py": "the judge of our simulator",
    "tests/naive/tutorial.py": "the bugs of the usual monitor, shown",
    "tests/unit/probes/test_compile.py": "its environment and its errors; nothing is sent",
}


def importers(*folders: str) -> set[str]:
    """Return the files below these folders that import the SDK, in whatever form."""
    files = (file for folder in folders for file in (ROOT / folder).rglob("*.py"))
    return {file.relative_to(ROOT).as_posix() for file in files if SDK in imported(file)}


def imported(file: Path) -> set[str]:
    """Return the top-level packages a file imports, also inside functions."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_bytes())):
        if isinstance(node, ast.Import):
            found |= {name.name.split(".")[0] for name in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.split(".")[0])
    return found


def test_no_test_probes_with_the_sdk() -> None:
    """A new importer says here what it is, or uses our own prober."""
    assert importers("tests", "benchmarks") == set(ALLOWED)


def test_the_product_only_has_requests_shaped_by_it() -> None:
    """Sending is the wire's: the SDK's transport keeps the request instead of sending it."""
    assert importers("probes", "aggregator", "alerting", "monitor") == {
        "probes/compile.py",
        "probes/operation.py",
        *(f"probes/{name}.py" for name in ("chat", "embeddings", "models", "responses")),
    }
