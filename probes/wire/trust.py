"""Whom we believe: TLS over the operating system's own roots, as the SDK does.

On Linux the SDK's library for this, truststore, loads the whole bundle again for every connection:
measured, 20 ms in which the event loop stands still. The choice it makes is easily made once, so
there we fill a plain context, at start; elsewhere truststore asks the system itself, as it must.
"""

import re
import ssl
import sys
from pathlib import Path
from typing import Final

import truststore

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


class NoRootsError(Exception):
    """This machine trusts nobody: no certificate could ever be verified.

    A slim image without its CA package looks like this, and every provider would look down.
    """


def client_context(bundles: tuple[str, ...] = BUNDLES) -> ssl.SSLContext:
    """Build a verifying TLS context for one provider key. Blocks for about 20 ms.

    SSL_CERT_FILE and SSL_CERT_DIR are honoured. Raises NoRootsError without any root.
    """
    if sys.platform != "linux":
        context: ssl.SSLContext = truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    else:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        _fill(context, bundles)
    context.set_alpn_protocols(["http/1.1"])
    return context


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
