"""A certificate authority of the test's own: for servers, and for clients that must show papers."""

import subprocess
from dataclasses import dataclass
from pathlib import Path


def _openssl(*arguments: str) -> None:
    subprocess.run(("openssl", *arguments), check=True, capture_output=True, timeout=30)


@dataclass(frozen=True)
class Issued:
    """A certificate and its key, each in a file, and both in one."""

    certificate: Path
    key: Path
    both: Path


class Authority:
    """A root that signs what it is asked to."""

    def __init__(self, folder: Path, name: str = "Private Root") -> None:
        self.folder = folder
        self.ca, self._key = folder / f"{name}.pem", folder / f"{name}.key"
        self._new_key(self._key)
        _openssl(
            *("req", "-x509", "-new", "-key", str(self._key), "-days", "2"),
            *("-subj", f"/CN={name}", "-addext", "keyUsage=critical,keyCertSign"),
            *("-out", str(self.ca)),
        )

    def issue(self, name: str) -> Issued:
        """Sign a certificate for 127.0.0.1 in this name, good for server and client."""
        issued = Issued(*(self.folder / f"{name}.{end}" for end in ("crt", "key", "pem")))
        request, extensions = self.folder / f"{name}.csr", self.folder / f"{name}.ext"
        extensions.write_text("subjectAltName=IP:127.0.0.1\n")
        self._new_key(issued.key)
        _openssl(
            "req", "-new", "-key", str(issued.key), "-subj", f"/CN={name}", "-out", str(request)
        )
        _openssl(
            *("x509", "-req", "-in", str(request), "-CA", str(self.ca), "-CAkey", str(self._key)),
            *("-CAcreateserial", "-days", "2", "-extfile", str(extensions)),
            *("-out", str(issued.certificate)),
        )
        issued.both.write_text(issued.certificate.read_text() + issued.key.read_text())
        return issued

    @staticmethod
    def _new_key(path: Path) -> None:
        _openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", str(path))
