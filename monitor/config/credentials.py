"""Secrets in the configuration: from files or from variables, never written out in it."""

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import SecretStr

from monitor.config.document import KeyPath
from monitor.config.fields import check_url
from monitor.config.findings import Findings
from monitor.config.scalars import Interpolated
from probes.secret import Secret, SecretError, SecretSource


@dataclass(frozen=True, slots=True)
class Credential:
    """One secret of the configuration: where it comes from, and what it is now."""

    source: SecretSource
    path: KeyPath
    text: str | None
    """The secret itself; None when it cannot be read (which was already found)."""


def anchored(text: str, folder: Path) -> Path:
    """Return the path `text`; a relative one is below `folder`, where the file is."""
    return folder / text


def credential(
    section: KeyPath,
    key: str,
    value: SecretStr | None,
    file: str | None,
    *,
    folder: Path,
    findings: Findings,
) -> Credential | None:
    """Return the secret that `key` or `key_file` of a section names, or None without one.

    What is wrong is added to the findings: both keys at once, and a secret that stands in the
    file itself, are problems; a secret that cannot be read is one when strict.
    """
    path = (*section, key)
    file_path = (*section, f"{key}_file")
    if value is not None and file is not None:
        findings.bad(path, f"give {key} or {key}_file, not both")
        return None
    if file is not None:
        return _checked(SecretSource(path=anchored(file, folder)), file_path, findings)
    if value is None:
        _say_empty(path, findings)
        return None
    return from_variable(path, value, findings)


def from_variable(path: KeyPath, value: SecretStr, findings: Findings) -> Credential | None:
    """Return a secret whose value came from variables; one written out is a problem."""
    raw = findings.document.at(path)
    if not isinstance(raw, Interpolated) or not raw.variables:
        findings.bad(
            path,
            "a secret is not written into the file: put it in a file of its own and name that,"
            " or in a variable as ${NAME}",
        )
        return None
    secret = Secret(value.get_secret_value())
    return _checked(SecretSource(value=secret, variable=raw.variables[0]), path, findings)


def missing(path: KeyPath, what: str, findings: Findings) -> None:
    """Say that a secret is needed and not there, or that its variable is empty."""
    raw = findings.document.at(path)
    if isinstance(raw, Interpolated) and raw.variables:
        findings.bad(path, f"{findings.document.shown(path)} is empty: {what}")
    else:
        findings.bad(path, f"missing: {what}")


def _say_empty(path: KeyPath, findings: Findings) -> None:
    raw = findings.document.at(path)
    if isinstance(raw, Interpolated) and raw.variables:
        findings.warn(path, "the variable is empty: read as not given")


def _checked(source: SecretSource, path: KeyPath, findings: Findings) -> Credential:
    try:
        text = source.read().reveal()
    except SecretError as error:
        findings.credential(path, str(error))
        return Credential(source, path, None)
    return Credential(source, path, text)


def check_secret_url(found: Credential, *, allow_http: bool, findings: Findings) -> None:
    """Require an https URL (or http where that is allowed). Never repeats it."""
    if found.text is None:
        return
    try:
        check_url(found.text)
    except ValueError as error:
        findings.bad(found.path, str(error))
        return
    if urlsplit(found.text).scheme == "http" and not allow_http:
        findings.bad(found.path, "expected an https URL; allow_http: true permits http")
