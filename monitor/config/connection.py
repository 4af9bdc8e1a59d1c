"""How a provider is reached, of its section: proxy, TLS files, extra headers, each one checked."""

import re
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from pydantic import SecretStr

from monitor.config.cluster_section import ClusterSection
from monitor.config.credentials import anchored, credential
from monitor.config.document import KeyPath
from monitor.config.findings import Findings
from monitor.config.models import InfluxdbSection, ProviderSection
from monitor.config.otlp_section import OtlpSection
from monitor.config.scalars import Interpolated
from probes.secret import Secret, SecretError, SecretSource
from probes.wire.proxy import proxy_of
from probes.wire.trust import Papers, TrustError, take

_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", re.ASCII)
"""A token: https://www.rfc-editor.org/rfc/rfc9110#name-tokens."""
_KEY_HEADERS: Final = frozenset({"api-key", "authorization"})
_SECRET_WORDS: Final = frozenset(
    {"apikey", "auth", "cookie", "credential", "credentials", "key", "password", "secret", "token"}
)
"""Words in the name of a header whose value nobody but the server should read."""
_WIRE_HEADERS: Final = frozenset(
    {
        "accept",
        "accept-encoding",
        "connection",
        "content-encoding",
        "content-length",
        "content-type",
        "expect",
        "host",
        "keep-alive",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
"""What says how a message is framed, read or passed on; another value would break the exchange, or
have a proxy and the server read it differently."""


def compile_proxy(
    path: KeyPath, section: ProviderSection, folder: Path, findings: Findings
) -> SecretSource | None:
    """Return the address of the provider's proxy; None: there is none, or it was found unusable."""
    place, given = (*path, "proxy"), section.proxy
    source = written(place, given, findings) if section.proxy_file is None else None
    if source is None:
        found = credential(
            path, "proxy", given, section.proxy_file, folder=folder, findings=findings
        )
        if found is None or found.text is None:
            return None
        source, place = found.source, found.path
    try:
        proxy = proxy_of(source)
    except SecretError as error:
        findings.bad(place, str(error))
        return None
    if proxy.authorization is not None and not source.is_hidden:
        findings.bad(
            place,
            "a user name and password are not written into the file: put the whole address into"
            " one of its own (proxy_file), or into a variable as ${NAME}",
        )
        return None
    return source


def written(place: KeyPath, given: SecretStr | None, findings: Findings) -> SecretSource | None:
    """Return a value that stands in the file as it is; None: there is none, or from variables."""
    if given is None or variable_of(place, findings) is not None:
        return None
    return SecretSource(value=Secret(given.get_secret_value()))


def variable_of(place: KeyPath, findings: Findings) -> str | None:
    """Return the variable that the value there came from; None: it was written out."""
    raw = findings.document.at(place)
    return raw.variables[0] if isinstance(raw, Interpolated) and raw.variables else None


def compile_papers(
    path: KeyPath,
    section: ProviderSection | InfluxdbSection | OtlpSection | ClusterSection,
    base_url: str,
    folder: Path,
    findings: Findings,
) -> Papers:
    """Return the files of TLS. Each is read now, so that what is wrong with it is told here."""
    ca, certificate, key = (
        None if said is None else anchored(said, folder)
        for said in (section.ca_file, section.client_cert_file, section.client_key_file)
    )
    if key is not None and certificate is None:
        findings.bad((*path, "client_key_file"), "has an effect only with client_cert_file")
        return Papers(ca)
    for name, papers in (
        ("ca_file", Papers(ca)),
        ("client_cert_file", Papers(None, certificate, key)),
    ):
        if papers == Papers():
            continue
        if base_url.lower().startswith("http:"):
            findings.warn((*path, name), "has no effect: the address is an http one")
        try:
            take(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), papers)
        except TrustError as error:
            findings.credential((*path, name), str(error))
    return Papers(ca, certificate, key)


def compile_headers(
    path: KeyPath,
    headers: Mapping[str, SecretStr],
    findings: Findings,
    *,
    keyed: bool = True,
) -> tuple[tuple[str, SecretSource], ...]:
    """Return the extra headers that may be sent.

    `keyed`: there is a key beside them, which has a header of its own.
    """
    found: dict[str, tuple[str, SecretSource]] = {}
    for name, value in headers.items():
        place = (*path, "headers", name)
        complaint = complaint_of(name, found, keyed=keyed)
        if complaint is not None:
            findings.bad(place, complaint, key=True)
            continue
        variable = variable_of(place, findings)
        if variable is None and _SECRET_WORDS.intersection(re.split("[-_.]", name.lower())):
            told = "a secret is not written into the file: put it in a variable as ${NAME}"
            findings.bad(place, told)
            continue
        source = SecretSource(value=Secret(value.get_secret_value()), variable=variable)
        try:
            source.read()
        except SecretError as error:
            findings.credential(place, str(error))
        else:
            found[name.lower()] = (name, source)
    return tuple(found.values())


def complaint_of(name: str, found: Mapping[str, object], *, keyed: bool) -> str | None:
    """Say why a header cannot be sent beside those found; None: it can."""
    lower = name.lower()
    if not _NAME.fullmatch(name):
        return "not a header's name"
    if keyed and lower in _KEY_HEADERS:
        return "the key has this header: set api_key or api_key_file"
    if lower in _WIRE_HEADERS or lower.startswith("proxy-"):
        return "this header is the connection's own: it cannot be set"
    return "the same header twice" if lower in found else None
