"""Where things are when nothing is said."""

from pathlib import Path

import pytest

from monitor.config import defaults


def test_the_system_store_when_it_is_writable(tmp_path: Path) -> None:
    """The system's place wins when this user may write there."""
    assert defaults.store_path({}, tmp_path / "sonde.db") == tmp_path / "sonde.db"


@pytest.mark.parametrize(
    ("environ", "path"),
    [
        ({"XDG_STATE_HOME": "/state", "HOME": "/home/u"}, "/state/sonde/sonde.db"),
        ({"HOME": "/home/u"}, "/home/u/.local/state/sonde/sonde.db"),
        ({"XDG_STATE_HOME": "rel", "HOME": "/home/u"}, "/home/u/.local/state/sonde/sonde.db"),
        ({"XDG_STATE_HOME": "", "HOME": ""}, "/var/tmp/.local/state/sonde/sonde.db"),
    ],
)
def test_the_users_state_folder_otherwise(
    tmp_path: Path, environ: dict[str, str], path: str
) -> None:
    """The XDG state folder, absolute ones only; nothing is created on the way."""
    system = tmp_path / "missing" / "sonde.db"
    assert defaults.store_path(environ, system) == Path(path)
    assert not system.parent.exists()


def test_the_location_has_a_name() -> None:
    """The host's name, never an empty text."""
    assert defaults.location()
