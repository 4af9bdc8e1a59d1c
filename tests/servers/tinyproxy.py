"""tinyproxy (Debian's 1.11): an HTTP proxy that connects us, with or without a password."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.servers.running import free_port, installed, running

USER: Final = "sonde"
PASSWORD: Final = "tiny-secret-4711"

_CONFIG: Final = """\
Port {port}
Listen 127.0.0.1
Timeout 60
MaxClients 100
LogLevel Connect
LogFile "{log}"
{more}
"""


@dataclass(frozen=True)
class Tinyproxy:
    """A running proxy."""

    port: int
    log: Path

    @property
    def url(self) -> str:
        """Its address, without credentials."""
        return f"http://127.0.0.1:{self.port}"

    def connects(self) -> int:
        """Return how often it was asked to CONNECT."""
        return self.log.read_text(errors="replace").count("): CONNECT ")


@contextmanager
def tinyproxy_server(
    scratch: Path, *, password: bool = False, rules: str = ""
) -> Iterator[Tinyproxy]:
    """Run tinyproxy in `scratch` on a free port; `rules` are lines of its own configuration."""
    program = installed("tinyproxy")
    proxy = Tinyproxy(free_port(), scratch / "tinyproxy.log")
    more = f"BasicAuth {USER} {PASSWORD}\n{rules}" if password else rules
    config = scratch / "tinyproxy.conf"
    config.write_text(_CONFIG.format(port=proxy.port, log=proxy.log, more=more))
    ready = f"tcp://127.0.0.1:{proxy.port}"
    with running([program, "-d", "-c", str(config)], ready=ready, scratch=scratch):
        yield proxy
