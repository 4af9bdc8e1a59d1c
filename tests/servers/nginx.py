"""nginx (Debian's 1.22): the proxy in front of a server, and a TLS terminator that is not Python's.

One process and no master, so that it runs as whoever runs the tests and ends by its process id.
"""

import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.integration.fault_server import certificate
from tests.servers.running import free_port, installed, missing, running

STREAM_MODULE: Final = Path("/usr/lib/nginx/modules/ngx_stream_module.so")

# The built-in places of temporary files are root's.
_CONFIG: Final = """\
{main}
daemon off;
master_process off;
pid {scratch}/nginx.pid;
events {{ worker_connections 4096; }}
http {{
  access_log off;
  client_body_temp_path {scratch}/client;
  proxy_temp_path {scratch}/proxy;
  fastcgi_temp_path {scratch}/fastcgi;
  uwsgi_temp_path {scratch}/uwsgi;
  scgi_temp_path {scratch}/scgi;
{http}
}}
"""
_TERMINATING: Final = """\
load_module {module};
stream {{
  server {{
    listen 127.0.0.1:{port} ssl backlog=4096;
    ssl_certificate {pem};
    ssl_certificate_key {pem};
    ssl_session_cache shared:sessions:1m;
    tcp_nodelay on;
    {more}
    proxy_pass 127.0.0.1:{upstream_port};
  }}
}}"""
_READY: Final = "server {{ listen 127.0.0.1:{port}; return 200; }}"


@dataclass(frozen=True)
class TlsProxy:
    """A TLS listener in front of a plain one."""

    url: str
    """`https://127.0.0.1:PORT`; the certificate is made out to this address."""
    ca: Path
    """The certificate to trust, in PEM."""


@contextmanager
def nginx_server(
    scratch: Path, http: str, *, ready: str, main: str = "", launcher: Sequence[str] = ()
) -> Iterator[subprocess.Popen[bytes]]:
    """Run nginx in `scratch`: `http` is put into its http block, `main` before everything.

    The block begins when `ready` answers 2xx. `launcher` stands before the command (`chrt -r 10`).
    """
    program = installed("nginx", "/usr/sbin/nginx")
    config = scratch / "nginx.conf"
    config.write_text(_CONFIG.format(main=main, scratch=scratch, http=http))
    command = [*launcher, program, "-p", str(scratch), "-e", "stderr", "-c", str(config)]
    with running(command, ready=ready, scratch=scratch) as process:
        yield process


@contextmanager
def tls_proxy(
    upstream_port: int,
    scratch: Path,
    *,
    launcher: Sequence[str] = (),
    pem: Path | None = None,
    more: str = "",
) -> Iterator[TlsProxy]:
    """Terminate TLS in front of a loopback port: bytes pass as they are, nothing is buffered.

    `pem`: its certificate with its key; without one, one of its own. `more`: lines for its server.
    """
    if not STREAM_MODULE.exists():
        missing("nginx's stream module")
    port, ready_port, pem = free_port(), free_port(), pem or certificate(scratch)
    main = _TERMINATING.format(
        module=STREAM_MODULE, port=port, pem=pem, upstream_port=upstream_port, more=more
    )
    ready = f"http://127.0.0.1:{ready_port}"
    with nginx_server(
        scratch, _READY.format(port=ready_port), ready=ready, main=main, launcher=launcher
    ):
        yield TlsProxy(f"https://127.0.0.1:{port}", pem)
