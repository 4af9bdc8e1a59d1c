"""Trust of what is no probe."""

import ssl
from pathlib import Path

import pytest

from monitor.trust import trusted


def test_a_machine_without_roots_believes_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A missing trust store must not become trust in everybody: all is verified, by nothing."""
    for name in ("SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    context = trusted()
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname


def test_the_systems_roots_are_believed() -> None:
    """Where there are roots, certificates are verified by them."""
    assert trusted().verify_mode is ssl.CERT_REQUIRED
