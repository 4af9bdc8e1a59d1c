"""InfluxDB (Debian's 1.6.7) behind the rewrite that makes it a target for today's clients.

1.6 has `/write` and `/query` (InfluxQL) and knows users, not tokens. nginx in front of it takes the
v2 API's write and says it in 1.6's words:
https://docs.influxdata.com/influxdb/v1/tools/api/#apiv2write-http-endpoint

- `/api/v2/write?org&bucket&precision` becomes `/write?db=<bucket>&precision=<p>`; `us` becomes `u`,
  because 1.6 reads what it does not know as nanoseconds and stores it in 1970. An organisation or a
  precision that is not there is refused here, as v2 refuses it.
- `Authorization: Token …` becomes Basic for the tokens that are known. Any other passes as it is,
  and it is InfluxDB that answers 401.
- All else passes untouched: `/query`, `/ping`, and 404 for what 1.6 does not have.

What it really answers: 204; 400 with the text of the first bad line or type conflict and
`dropped=N` (the other lines *are* stored); 401; 403 for a user without the right; 404 for a
database that is not there; 413 above 25 MB. Reading a database that is not there is 200 with an
`error` in the result.
"""

import json
import signal
import subprocess
from base64 import b64encode
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import Final

import httpx2

from tests.servers.nginx import nginx_server
from tests.servers.running import free_port, installed, running

ORG: Final = "sonde-org"
BUCKET: Final = "probes"
TOKEN: Final = "admin:influx-standing-token"
POWERLESS_TOKEN: Final = "guest:influx-powerless-token"

_INFLUXD: Final = """\
reporting-disabled = true
bind-address = "127.0.0.1:0"
[meta]
  dir = "{data}/meta"
[data]
  dir = "{data}/data"
  wal-dir = "{data}/wal"
  query-log-enabled = false
[monitor]
  store-enabled = false
[http]
  bind-address = "127.0.0.1:{port}"
  auth-enabled = true
  log-enabled = false
"""
_PROXY: Final = """\
  client_max_body_size 0;
  proxy_read_timeout 1h;
  upstream influxd {{ server 127.0.0.1:{influxd_port}; keepalive 8; }}
  map $http_authorization $credentials {{
    default $http_authorization;
{credentials}
  }}
  map $arg_precision $precision_of_1x {{ "" n; ns n; us u; ms ms; s s; }}
  server {{
    listen 127.0.0.1:{port};
    proxy_http_version 1.1;
    proxy_set_header Connection "";
    proxy_set_header Authorization $credentials;
    default_type application/json;
    location / {{ proxy_pass http://influxd; }}
    location = /api/v2/write {{
      if ($arg_org != {org}) {{
        return 404 '{{"code":"not found","message":"organization name not found"}}';
      }}
      if ($precision_of_1x = "") {{
        return 400 '{{"code":"invalid","message":"precision must be ns, us, ms or s"}}';
      }}
      proxy_pass http://influxd/write?db=$arg_bucket&precision=$precision_of_1x;
    }}
  }}"""

Row = dict[str, object]
"""One row of an answer: its columns (`time` in nanoseconds) and the tags of its series."""


class Influxdb:
    """A server with one organisation, one bucket, a token that may everything and one nothing."""

    org, bucket, token, powerless_token = ORG, BUCKET, TOKEN, POWERLESS_TOKEN

    def __init__(self, scratch: Path, http: httpx2.Client) -> None:
        self._scratch, self._http = scratch, http
        self._port, self._influxd_port = free_port(), free_port()
        self._server, self._front = ExitStack(), ExitStack()
        self._influxd: subprocess.Popen[bytes] | None = None
        self._listening = False
        self.url = f"http://127.0.0.1:{self._port}"

    def start(self) -> None:
        """Be there again: the same port, the same data. Nothing happens if it never went."""
        if self._influxd is None:
            self._influxd = self._server.enter_context(self._run_influxd())
        self._influxd.send_signal(signal.SIGCONT)
        if not self._listening:
            self._front.enter_context(self._run_proxy())
            self._listening = True

    def stop(self, *, proxy_stays: bool = False) -> None:
        """Stop it: connections are refused; where the proxy stays, it answers 502."""
        self._server.close()
        self._influxd = None
        if not proxy_stays:
            self._front.close()
            self._listening = False

    def pause(self) -> None:
        """Let it hang, until `start`: connections are taken, requests are not answered."""
        assert self._influxd is not None
        self._influxd.send_signal(signal.SIGSTOP)

    def query(self, influxql: str, **params: object) -> list[Row]:
        """Return the rows of a query in the bucket; `$name` in it is bound to `name`.

        Raises ValueError with InfluxDB's words for a query it refuses.
        """
        asked = {"db": self.bucket, "q": influxql, "params": json.dumps(params), "epoch": "ns"}
        headers = {"Authorization": f"Token {self.token}"}
        answer = self._http.post(f"{self.url}/query", data=asked, headers=headers).json()
        results = answer.get("results", [answer])
        if errors := [each["error"] for each in results if "error" in each]:
            raise ValueError(errors[0])
        return [
            {**series.get("tags", {}), **dict(zip(series["columns"], values, strict=True))}
            for result in results
            for series in result.get("series", [])
            for values in series["values"]
        ]

    def create_bucket(self) -> None:
        """Make the bucket; one that is there stays as it is."""
        self.query(f'CREATE DATABASE "{self.bucket}"')

    def drop_bucket(self) -> None:
        """Forget the bucket and all that is in it: whoever writes next is answered 404."""
        self.query(f'DROP DATABASE "{self.bucket}"')

    def _run_influxd(self) -> AbstractContextManager[subprocess.Popen[bytes]]:
        scratch = self._scratch / "influxd"
        scratch.mkdir(exist_ok=True)
        config = scratch / "influxdb.conf"
        config.write_text(_INFLUXD.format(data=scratch, port=self._influxd_port))
        ready = f"http://127.0.0.1:{self._influxd_port}/ping"
        command = [installed("influxd"), "-config", str(config)]
        return running(command, ready=ready, scratch=scratch)

    def _run_proxy(self) -> AbstractContextManager[subprocess.Popen[bytes]]:
        scratch = self._scratch / "nginx"
        scratch.mkdir(exist_ok=True)
        http = _PROXY.format(
            influxd_port=self._influxd_port,
            port=self._port,
            org=self.org,
            credentials="\n".join(map(_in_basic, (self.token, self.powerless_token))),
        )
        return nginx_server(scratch, http, ready=f"{self.url}/ping")


def _in_basic(token: str) -> str:
    return f'    "Token {token}" "Basic {b64encode(token.encode()).decode()}";'


@contextmanager
def influxdb_server(scratch: Path) -> Iterator[Influxdb]:
    """Run InfluxDB and the proxy in `scratch`, with its users and an empty bucket."""
    with httpx2.Client(trust_env=False) as http:
        server = Influxdb(scratch, http)
        server.start()
        try:
            for token, rights in ((TOKEN, "WITH ALL PRIVILEGES"), (POWERLESS_TOKEN, "")):
                user, _, password = token.partition(":")
                server.query(f"CREATE USER {user} WITH PASSWORD '{password}' {rights}")
            server.create_bucket()
            yield server
        finally:
            server.stop()
