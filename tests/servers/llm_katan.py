"""llm-katan (PyPI `llm-katan`, Apache-2.0): an OpenAI-compatible server that checks the key.

What it really answers, tried with 0.22.0 and `--backend echo`:

- One model, by the name it is started with; another name in a chat is answered all the same, and
  404 `model_not_found` is never said.
- Without a key, and with `--validate-keys` for another one than its own, 401 `invalid_api_key`; its
  own is given with `--api-keys`.
- The answer of a chat echoes the whole prompt. Responses and embeddings are no paths of its (404).
- Models are listed, and not served by name.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.servers.running import SERVERS, free_port, installed, running

MODEL: Final = "echo-1"


@dataclass(frozen=True)
class LlmKatan:
    """A running llm-katan."""

    url: str
    key: str
    """The only key it takes."""

    @property
    def base_url(self) -> str:
        """The base URL of its OpenAI-compatible API."""
        return f"{self.url}/v1"


@contextmanager
def llm_katan_server(scratch: Path, *, key: str = "sk-katan-0123456789") -> Iterator[LlmKatan]:
    """Run llm-katan in `scratch` on a free port."""
    program = installed(SERVERS / "llm_katan/bin/llm-katan")
    port = free_port()
    command = [program, "--model", MODEL, "--backend", "echo", "--host", "127.0.0.1"]
    keys = ["--validate-keys", "--api-keys", f"openai={key}"]
    where = ["--port", str(port), "--stats-file", str(scratch / "stats.json")]
    url = f"http://127.0.0.1:{port}"
    with running([*command, *keys, *where], ready=f"{url}/health", scratch=scratch):
        yield LlmKatan(url, key)
