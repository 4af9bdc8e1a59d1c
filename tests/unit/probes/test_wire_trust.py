"""Whom we believe: the operating system's roots, or nobody."""

import ssl
import subprocess
import sys
from pathlib import Path

import pytest

from probes.wire.trust import NoRootsError, Papers, Trust, TrustError, client_context, take
from tests.integration.authority import Authority, Issued
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


def _papers(folder: Path) -> Issued:
    return Authority(folder, "root").issue("us")


def test_a_named_ca_is_the_only_one(tmp_path: Path) -> None:
    """Instead of the system's roots, which are not even looked for."""
    _papers(tmp_path)
    context = client_context(Papers(ca=tmp_path / "root.pem"), bundles=())
    assert [dict(each)["issuer"] for each in context.get_ca_certs()] == [
        ((("commonName", "root"),),)
    ]
    assert context.check_hostname
    assert context.verify_mode is ssl.CERT_REQUIRED


def test_a_certificate_of_ours_is_loaded_with_its_key(tmp_path: Path) -> None:
    """From one file or from two."""
    ours = _papers(tmp_path)
    for papers in (Papers(certificate=ours.both), Papers(None, ours.certificate, ours.key)):
        take(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), papers)


def test_papers_that_cannot_be_used_are_named(tmp_path: Path) -> None:
    """A file that is not there, is none, lacks its key, has another's, or wants a password.

    The last must not ask on the terminal, which OpenSSL does unless it is told not to.
    """
    ours = _papers(tmp_path)
    other = Authority(tmp_path, "another").issue("them")
    text = tmp_path / "text"
    text.write_text("no certificate")
    locked = tmp_path / "locked.key"
    subprocess.run(
        ("openssl", "ec", "-in", ours.key, "-aes256", "-passout", "pass:x", "-out", locked),
        check=True,
        capture_output=True,
        timeout=30,
    )
    for papers, named in (
        (Papers(ca=tmp_path / "gone"), "cannot read .*gone: No such file"),
        (Papers(ca=text), "text holds no certificate"),
        (Papers(certificate=tmp_path / "gone"), "cannot read .*gone"),
        (Papers(certificate=text), "text is no certificate"),
        (Papers(certificate=ours.certificate), "us.crt is no certificate with its key"),
        (Papers(None, ours.certificate, other.key), "us.crt with .*them.key is no certificate"),
        (Papers(None, ours.certificate, locked), "locked.key is no certificate .* password"),
    ):
        with pytest.raises(TrustError, match=named):
            take(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), papers)


def test_papers_are_read_again_when_they_have_changed(tmp_path: Path) -> None:
    """The context stays for a new certificate, and gives way to a new CA."""
    ours, renewed = _papers(tmp_path), Authority(tmp_path, "another").issue("them")
    certificate, ca = tmp_path / "certificate", tmp_path / "ca"
    ca.write_text((tmp_path / "root.pem").read_text())
    certificate.write_text(ours.both.read_text())
    plain, strict = Trust(Papers(certificate=certificate)), Trust(Papers(ca, certificate))
    first, second = plain.now(), strict.now()
    assert (plain.now(), strict.now()) == (first, second)
    certificate.write_text(renewed.both.read_text())
    ca.write_text((tmp_path / "another.pem").read_text())
    assert plain.now() is first
    assert strict.now() is not second
    assert len(strict.now().get_ca_certs()) == 1


def test_papers_that_come_later_are_taken_up(tmp_path: Path) -> None:
    """Nothing is raised at the start: each connection says what is missing until it is there."""
    trust = Trust(Papers(ca=tmp_path / "root.pem"))
    with pytest.raises(TrustError, match="No such file"):
        trust.now()
    Authority(tmp_path, "root")
    assert len(trust.now().get_ca_certs()) == 1
