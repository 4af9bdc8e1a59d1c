"""Certificates, good and bad, made by openssl when they are first wanted."""

import atexit
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp


@dataclass(frozen=True)
class Certificates:
    """Certificates with their keys, in a folder of this process."""

    good: Path
    other_host: Path
    expired: Path
    ca: Path
    """A CA of our own."""
    by_ca: Path
    """A good certificate signed by it."""


@cache
def certificates() -> Certificates:
    """Make them, once; they go with the process."""
    folder = Path(mkdtemp(prefix="sonde-certificates-"))
    atexit.register(rmtree, folder, ignore_errors=True)
    return Certificates(
        good=self_signed(folder / "good.pem", "IP:127.0.0.1"),
        other_host=self_signed(folder / "other.pem", "DNS:elsewhere.example"),
        ca=(ca := self_signed(folder / "ca.pem", "DNS:ca.example")),
        by_ca=_signed(folder / "by_ca.pem", ca, days=2),
        expired=_signed(folder / "expired.pem", ca, days=-1),
    )


_NEW_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")


def _openssl(*arguments: str) -> None:
    subprocess.run(("openssl", *arguments), check=True, capture_output=True, timeout=30)


def self_signed(path: Path, name: str, subject: str = "a test") -> Path:
    """Make a certificate with its key in one file; `name` is of the form `DNS:…` or `IP:…`."""
    key = path.with_suffix(".key")
    subject = subject.replace("/", r"\/").replace("+", r"\+")
    about = ("-days", "2", "-subj", f"/CN={subject}", "-addext", f"subjectAltName={name}")
    _openssl("req", "-x509", *_NEW_KEY, *about, "-keyout", str(key), "-out", str(path))
    path.write_text(path.read_text() + key.read_text())
    return path


def _signed(path: Path, ca: Path, *, days: int) -> Path:
    key, request, about = (path.with_suffix(suffix) for suffix in (".key", ".csr", ".ext"))
    about.write_text("subjectAltName=IP:127.0.0.1\n")
    _openssl("req", *_NEW_KEY, "-subj", "/CN=a test", "-keyout", str(key), "-out", str(request))
    signing = ("-CA", str(ca), "-days", str(days), "-extfile", str(about))
    _openssl("x509", "-req", "-in", str(request), *signing, "-out", str(path))
    path.write_text(path.read_text() + key.read_text())
    return path
