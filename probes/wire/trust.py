"""Whom we believe: TLS over the operating system's own roots, as the SDK does.

On Linux the SDK's library for this, truststore, loads the whole bundle again for every connection:
measured, 20 ms in which the event loop stands still. The choice it makes is easily made once, so
there we fill a plain context, at start; elsewhere truststore asks the system itself, as it must.
"""

import re
import ssl
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import truststore

from probes.secret import SecretError, SecretSource
from probes.target import Provider

BUNDLES: Final = (
    "/etc/ssl/cert.pem",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/pki/tls/cert.pem",
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/ssl/ca-bundle.pem",
)
"""Where distributions keep their roots when OpenSSL does not look there by itself
(https://github.com/sethmlarson/truststore, its list for Linux)."""
_HASHED: Final = re.compile(r"[0-9a-f]{8}\.[0-9]", re.IGNORECASE)
"""How certificates are named in a directory that OpenSSL looks them up in."""


class TrustError(Exception):
    """TLS cannot be set up as the configuration wants it. The message holds no secret."""


class NoRootsError(TrustError):
    """This machine trusts nobody: no certificate could ever be verified.

    A slim image without its CA package looks like this, and every provider would look down.
    """


@dataclass(frozen=True, slots=True)
class Papers:
    """Files that TLS with one provider takes. None: there is none."""

    ca: Path | None = None
    """Roots to believe *instead of* the system's, as curl's --cacert: who names a CA means it."""
    certificate: Path | None = None
    """What we show when we are asked who we are."""
    key: Path | None = None
    """Its key; None: in the same file."""

    @property
    def files(self) -> tuple[Path, ...]:
        """Those that there are."""
        return tuple(path for path in (self.ca, self.certificate, self.key) if path is not None)


def papers_of(provider: Provider) -> Papers:
    """Return the files that TLS with this provider takes."""
    return Papers(provider.ca_file, provider.client_cert_file, provider.client_key_file)


def client_context(papers: Papers = Papers(), bundles: tuple[str, ...] = BUNDLES) -> ssl.SSLContext:
    """Build a verifying TLS context for one provider key. Blocks for about 20 ms.

    SSL_CERT_FILE and SSL_CERT_DIR are honoured. Raises NoRootsError without any root, TrustError
    for a file that cannot be used.
    """
    if sys.platform != "linux" and papers.ca is None:
        context: ssl.SSLContext = truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    else:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        if papers.ca is None:
            _fill(context, bundles)
    take(context, papers)
    context.set_alpn_protocols(["http/1.1"])
    return context


class Trust:
    """The TLS context of one provider key that has papers: certificates are renewed every day."""

    def __init__(self, papers: Papers) -> None:
        """Read the papers, so that the first connection need not wait for that."""
        self._papers = papers
        self._versions: tuple[tuple[int, int, int] | None, ...] = ()
        self._context: ssl.SSLContext | None = None
        with suppress(TrustError):  # told by each exchange, for as long as it lasts
            self.now()

    def now(self) -> ssl.SSLContext:
        """Return it with the papers as they are now: looked at for each new connection.

        A changed CA makes a new context, so that nobody is believed for having been so once. Raises
        TrustError when they cannot be used, at each new connection until they can.
        """
        versions, context = self._look(), self._context
        if context is None or (versions != self._versions and self._papers.ca is not None):
            context = client_context(self._papers)
        elif versions != self._versions:
            take(context, self._papers)
        self._context, self._versions = context, versions
        return context

    def _look(self) -> tuple[tuple[int, int, int] | None, ...]:
        try:
            return tuple(SecretSource(path=path).version() for path in self._papers.files)
        except SecretError as error:
            raise TrustError(str(error)) from None


def take(context: ssl.SSLContext, papers: Papers) -> None:
    """Load the files into the context. Raises TrustError, which names the file."""
    if papers.ca is not None:
        with _told(str(papers.ca), "holds no certificate in PEM"):
            context.load_verify_locations(cafile=papers.ca)
    if papers.certificate is not None:
        files = " with ".join(map(str, replace(papers, ca=None).files))
        with _told(files, "is no certificate with its key, in PEM without a password"):
            context.load_cert_chain(papers.certificate, papers.key, password=_no_password)


def _no_password() -> str:
    """Stand in for OpenSSL's own question, which would be asked on the terminal."""
    raise TrustError("a password is wanted")


@contextmanager
def _told(files: str, what: str) -> Iterator[None]:
    try:
        yield
    except (ssl.SSLError, TrustError):  # also OSErrors, but with a number of OpenSSL's
        raise TrustError(f"{files} {what}") from None
    except OSError as error:
        raise TrustError(f"cannot read {files}: {error.strerror}") from None


def _fill(context: ssl.SSLContext, bundles: tuple[str, ...]) -> None:
    # typeshed promises paths that are always there; they are None when they do not exist.
    paths: tuple[str | None, ...] = ssl.get_default_verify_paths()
    cafile, capath = paths[:2]
    by_name = capath is not None and _holds_certificates(Path(capath))
    if cafile is not None or by_name:
        context.set_default_verify_paths()
    else:
        for bundle in bundles:
            if Path(bundle).is_file():
                context.load_verify_locations(cafile=bundle)
                break
    if not by_name and not context.cert_store_stats()["x509_ca"]:
        raise NoRootsError("this machine has no trusted root certificates")


def _holds_certificates(directory: Path) -> bool:
    try:
        return any(_HASHED.fullmatch(entry.name) for entry in directory.iterdir())
    except OSError:  # not readable: as good as empty
        return False
