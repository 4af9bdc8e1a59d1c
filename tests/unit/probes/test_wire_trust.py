"""Whom we believe: the operating system's roots, or nobody."""

import ssl
import sys
from pathlib import Path

import pytest

from probes.wire.trust import NoRootsError, client_context
from tests.integration.fault_server import certificate

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the system is asked")


@pytest.fixture
def no_default_roots(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let OpenSSL find nothing where it looks by itself."""
    empty = tmp_path / "certs"
    empty.mkdir()
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "none.pem"))
    monkeypatch.setenv("SSL_CERT_DIR", str(empty))
    return tmp_path


def test_the_context_verifies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Certificates and host names are checked; SSL_CERT_FILE says by which roots."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate(tmp_path)))
    context = client_context()

    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
    assert context.cert_store_stats()["x509_ca"] == 1


def test_no_roots_is_an_error_of_its_own(no_default_roots: Path) -> None:
    """A machine that trusts nobody says so instead of refusing everybody."""
    with pytest.raises(NoRootsError):
        client_context(bundles=())


def test_an_empty_bundle_is_no_trust(
    no_default_roots: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file without certificates is as good as none."""
    empty = no_default_roots / "empty.pem"
    empty.write_text("")
    monkeypatch.setenv("SSL_CERT_FILE", str(empty))
    with pytest.raises(NoRootsError):
        client_context(bundles=())


def test_a_distributions_bundle_is_found(no_default_roots: Path) -> None:
    """Where OpenSSL does not look, the usual places are tried."""
    bundle = certificate(no_default_roots)
    context = client_context(bundles=(str(no_default_roots / "absent.pem"), str(bundle)))

    assert context.cert_store_stats()["x509_ca"] == 1


def test_a_directory_of_hashed_certificates_is_trust(no_default_roots: Path) -> None:
    """Roots looked up by name are not loaded beforehand, but they are there."""
    (no_default_roots / "certs" / "0a1b2c3d.0").write_text("a certificate")

    assert client_context(bundles=()).verify_mode is ssl.CERT_REQUIRED


def test_an_unreadable_directory_is_no_trust(
    no_default_roots: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A path that is no directory counts as empty."""
    path = no_default_roots / "a-file"
    path.write_text("")
    monkeypatch.setenv("SSL_CERT_DIR", str(path))
    with pytest.raises(NoRootsError):
        client_context(bundles=())
